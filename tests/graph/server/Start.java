/** Starts Neo4j 2026, which has no entry point of its own for the Community edition; run as a source file. */
public class Start {
    public static void main(String[] arguments) {
        int status = org.neo4j.server.NeoBootstrapper.start(new org.neo4j.server.CommunityBootstrapper(), arguments);
        if (status != 0) {
            System.exit(status); // started, it goes on in its own threads until it is told to end
        }
    }
}
