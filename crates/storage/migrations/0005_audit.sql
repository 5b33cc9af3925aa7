-- What is looked for in the audit is mostly no push, and pushes are most of it. These indexes are without them: whoever
-- asks for something else walks over no push, and a push costs nothing more.
CREATE INDEX audit_but_pushes ON audit (id)
    WHERE event NOT IN ('blob.pushed', 'manifest.pushed');
CREATE INDEX audit_but_pushes_by_namespace ON audit (namespace_id, id)
    WHERE event NOT IN ('blob.pushed', 'manifest.pushed');
CREATE INDEX audit_but_pushes_by_token_used ON audit (with_token, id)
    WHERE event NOT IN ('blob.pushed', 'manifest.pushed');
CREATE INDEX audit_but_pushes_by_actor ON audit (actor_id, id)
    WHERE event NOT IN ('blob.pushed', 'manifest.pushed');
