"""Our graph read by the retriever of Neo4j's own GraphRAG package, as a user of that package would."""

from neo4j import GraphDatabase
from neo4j_graphrag.embeddings.base import Embedder
from neo4j_graphrag.retrievers import VectorCypherRetriever

from resources.graph.neo4j import Neo4jGraph
from tests.graph.company import company, fill

FROM_CHUNK_TO_COMMUNITY = """
MATCH (node)-[:FROM_DOCUMENT]->(d:Document)
MATCH (node)<-[:FROM_CHUNK]-(e:__Entity__)-[:IN_COMMUNITY]->(c:__Community__)
RETURN d.title AS document, collect(e.name) AS entities, collect(DISTINCT c.id) AS communities
"""


class OneDirection(Embedder):
    """Every question points the way of the third chunk."""

    def embed_query(self, text: str) -> list[float]:
        return [0.0, 0.0, 1.0, 0.0]


def test_neo4js_own_retriever_walks_from_a_chunk_to_document_entities_and_communities(neo4j_graph: Neo4jGraph):
    fill(neo4j_graph, company())
    settings = neo4j_graph.connection.settings
    auth = None if settings.password is None else (settings.user, settings.password)
    with GraphDatabase.driver(settings.uri, auth=auth) as driver:

        def run(statement: str, **parameters: object) -> None:
            driver.execute_query(statement, parameters, database_=settings.database)

        run(
            "CREATE VECTOR INDEX test_chunks IF NOT EXISTS FOR (c:Chunk) ON c.embedding "
            "OPTIONS {indexConfig: {`vector.dimensions`: 4, `vector.similarity_function`: 'cosine'}}"
        )
        try:
            run("CALL db.awaitIndexes(60)")
            for place in range(4):
                vector = [float(place == i) for i in range(4)]
                run("MATCH (c:Chunk {id: $id}) SET c.embedding = $vector", id=f"c{place}", vector=vector)
            retriever = VectorCypherRetriever(
                driver, "test_chunks", FROM_CHUNK_TO_COMMUNITY, OneDirection(), neo4j_database=settings.database
            )
            (found,) = retriever.search(query_text="who travels?", top_k=1).items
        finally:
            run("DROP INDEX test_chunks IF EXISTS")
    for part in ("document='Travel'", "entities=['Entity 2']", "communities=['top']"):
        assert part in str(found.content)
