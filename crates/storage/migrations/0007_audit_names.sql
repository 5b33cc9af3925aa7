-- The audit keeps the names of deleted namespaces and users: in the rows of their creation and deletion. These indexes hold
-- those rows only, so a push costs nothing more. By target: the ids that ever had a name. By id: the name that an id had.
CREATE INDEX audit_owners_by_target ON audit (target, id)
    WHERE event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted');
CREATE INDEX audit_owners_by_namespace ON audit (namespace_id, id)
    WHERE event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted');
CREATE INDEX audit_owners_by_user ON audit (user_id, id)
    WHERE event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted');
