"""What the driver's exceptions mean for a person: one sentence with the remedy, never the server's own text.

Belongs here: the translation. Does not: retrying (neo4j_connection.py). The server's text may quote parameters, which
are content of documents; its code says enough.
"""

from resources.errors import GraphError, GraphUnavailable

BY_CODE = {
    "Neo.ClientError.Security.Unauthorized": "refuses the user or the password; check graph.neo4j.user and password.",
    "Neo.ClientError.Security.AuthenticationRateLimit": "refuses logins for a while after wrong passwords; wait, and "
    "check graph.neo4j.user and password.",
    "Neo.ClientError.Security.CredentialsExpired": "asks for a new password; set one with ALTER CURRENT USER.",
    "Neo.ClientError.Security.Forbidden": "does not allow this user what is needed; grant it to read, write and make "
    "constraints.",
    "Neo.ClientError.Database.DatabaseNotFound": "has no such database; correct graph.neo4j.database.",
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase": "holds the database read-only; make it writable "
    "(server.databases.read_only).",
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase": "holds the database read-only; make it writable "
    "(server.databases.read_only).",
    "Neo.ClientError.Statement.AccessMode": "holds the database read-only; make it writable.",
    "Neo.TransientError.General.OutOfMemoryError": "ran out of memory; raise its heap, or lower "
    "graph.neo4j.batch_size.",
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError": "ran out of memory for transactions; raise "
    "dbms.memory.transaction.total.max, or lower graph.neo4j.batch_size.",
    "Neo.TransientError.General.DatabaseUnavailable": "has the database shut; look at the server's log (a full disk "
    "does this), and start it again.",
    "Neo.DatabaseError.Transaction.TransactionCommitFailed": "could not commit; look at the server's log (a full disk "
    "does this).",
    "Neo.DatabaseError.Transaction.TransactionStartFailed": "could not start a transaction; look at the server's log.",
    "Neo.ClientError.Transaction.TransactionTimedOut": "ended a transaction that took too long; raise "
    "graph.neo4j.transaction_seconds, or lower graph.neo4j.batch_size.",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": "ended a transaction that took too long; "
    "raise graph.neo4j.transaction_seconds, or lower graph.neo4j.batch_size.",
}


class Unreachable(GraphUnavailable):
    """The server does not answer."""


def translated(error: Exception, uri: str, database: str, purpose: str) -> GraphError:
    """The error to raise instead of one of the driver's."""
    from neo4j.exceptions import ConfigurationError, Neo4jError, ServiceUnavailable, SessionExpired

    place = f"the graph store at {uri} (database {database})"
    if isinstance(error, Neo4jError):
        code = error.code or "no code"
        if code in BY_CODE:
            return GraphUnavailable(f"{place} {BY_CODE[code]} Nothing of this batch was written: {purpose}.")
        if error.is_retryable() or code.startswith(("Neo.TransientError", "Neo.DatabaseError")):
            return GraphUnavailable(f"{place} could not do it, again and again: {purpose} ({code}). Try again later.")
        return GraphError(f"{place} refused to do it: {purpose} ({code}).")
    if isinstance(error, ConfigurationError):
        return GraphUnavailable(f"{place} cannot be reached with these settings: {error}.")
    if isinstance(error, (ServiceUnavailable, SessionExpired)):
        return Unreachable(
            f"{place} does not answer ({type(error).__name__}): {purpose}. "
            "Start the server, or correct graph.neo4j.uri."
        )
    return GraphUnavailable(f"{place} could not do it: {purpose} ({type(error).__name__}).")
