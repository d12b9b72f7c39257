"""What the driver's exceptions mean for a person: one sentence with the remedy, never the server's own text.

Belongs here: the translation. Does not: retrying (neo4j_connection.py). The server's text may quote parameters, which
are content of documents; its code says enough.
"""

from resources.errors import GraphError, GraphUnavailable
from resources.graph import schema

READ_ONLY = "holds the database read-only; make it writable (server.databases.read_only)."
TOO_SLOW = (
    "ended a transaction that took too long; raise graph.neo4j.transaction_seconds, or lower graph.neo4j.batch_size."
)
STOPPED = "its log says why (a full disk does this): make room, then start the server again."
BY_CODE = {
    "Neo.ClientError.Security.Unauthorized": "refuses the user or the password; check graph.neo4j.user and password.",
    "Neo.ClientError.Security.AuthenticationRateLimit": "refuses logins for a while after wrong passwords; wait, and "
    "check graph.neo4j.user and password.",
    "Neo.ClientError.Security.CredentialsExpired": "asks for a new password; set one with ALTER CURRENT USER.",
    "Neo.ClientError.Security.Forbidden": "does not allow this user what is needed; grant it to read, write and make "
    "constraints.",
    "Neo.ClientError.Database.DatabaseNotFound": "has no such database; correct graph.neo4j.database.",
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase": READ_ONLY,
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase": READ_ONLY,
    "Neo.ClientError.Statement.AccessMode": READ_ONLY,
    "Neo.TransientError.General.OutOfMemoryError": "ran out of memory; raise its heap, or lower "
    "graph.neo4j.batch_size.",
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError": "ran out of memory for transactions; raise "
    "dbms.memory.transaction.total.max, or lower graph.neo4j.batch_size.",
    "Neo.TransientError.General.DatabaseUnavailable": f"has the database shut; {STOPPED}",
    "Neo.DatabaseError.Transaction.TransactionLogError": f"could not write its transaction log; {STOPPED}",
    "Neo.DatabaseError.Transaction.TransactionCommitFailed": f"could not commit; {STOPPED}",
    "Neo.DatabaseError.Transaction.TransactionStartFailed": f"has stopped the database; {STOPPED}",
    "Neo.ClientError.Transaction.TransactionTimedOut": TOO_SLOW,
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": TOO_SLOW,
}
IN_DOUBT = {"Neo.DatabaseError.Transaction.TransactionCommitFailed"}
"""The server may have written it to its log before it failed, and then does it when it starts again."""


class Unreachable(GraphUnavailable):
    """The server does not answer."""


def translated(error: Exception, uri: str, database: str, purpose: str) -> GraphError:
    """The error to raise instead of one of the driver's."""
    from neo4j.exceptions import (
        ConfigurationError,
        Neo4jError,
        ServiceUnavailable,
        SessionExpired,
        UnsupportedServerProduct,
    )

    place = f"the graph store at {uri} (database {database})"
    if isinstance(error, Neo4jError):
        code = error.code or "no code"
        if code in BY_CODE:
            left = "This is there as a whole or not at all" if code in IN_DOUBT else "This was not done"
            return GraphUnavailable(f"{place} {BY_CODE[code]} {left}: {purpose}.")
        if error.is_retryable() or code.startswith(("Neo.TransientError", "Neo.DatabaseError")):
            return GraphUnavailable(f"{place} could not do it, again and again: {purpose} ({code}). Try again later.")
        return GraphError(f"{place} refused to do it: {purpose} ({code}).")
    if isinstance(error, UnsupportedServerProduct):
        return GraphUnavailable(f"{place} speaks no Bolt of today; {schema.NEEDED}")
    if isinstance(error, ConfigurationError):
        return GraphUnavailable(f"{place} cannot be reached with these settings: {error}.")
    if isinstance(error, (ServiceUnavailable, SessionExpired)):
        return Unreachable(
            f"{place} does not answer ({type(error).__name__}): {purpose}. "
            "Start the server, or correct graph.neo4j.uri."
        )
    return GraphUnavailable(f"{place} could not do it: {purpose} ({type(error).__name__}).")
