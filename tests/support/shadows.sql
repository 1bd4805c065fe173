-- For the operators and functions of the server, others in schemas of somebody else: of the same arguments, and
-- of some that fit better. Each counts its calls, and fails.

SET search_path = pg_catalog, pg_temp;
CREATE SCHEMA traps;
CREATE SEQUENCE traps.calls;

CREATE FUNCTION traps.make(kind text, target text, arguments text[], result text) RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
    name text := format('trap_%s_%s', md5(target || arguments::text), array_length(arguments, 1));
BEGIN
    IF kind = 'function' THEN name := target; END IF;
    EXECUTE format(
        $f$CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
          BEGIN PERFORM nextval('traps.calls'); RAISE 'trapped by %%', %L; END $body$ $f$,
        current_setting('traps.schema'), name, array_to_string(arguments, ', '), result,
        format('%s (%s)', target, array_to_string(arguments, ', ')));
    IF kind = 'operator' THEN
        EXECUTE format('CREATE OPERATOR %I.%s (%s RIGHTARG = %s, FUNCTION = %1$I.%5$I)',
                       current_setting('traps.schema'), target,
                       CASE WHEN array_length(arguments, 1) = 2 THEN format('LEFTARG = %s,', arguments[1]) END,
                       arguments[array_upper(arguments, 1)], name);
    END IF;
EXCEPTION
    -- Of the same name and arguments, or one that cannot be.
    WHEN duplicate_function OR invalid_function_definition OR syntax_error OR feature_not_supported THEN NULL;
END
$make$;

CREATE TABLE traps.family AS
SELECT number, kind::regtype AS kind
FROM (VALUES (1, '{text,varchar,bpchar,name}'), (2, '{int2,int4,int8,float4,float8,numeric,oid}'),
             (3, '{text[],varchar[],name[]}'), (4, '{int2[],int4[],int8[],numeric[],oid[]}'),
             (5, '{bool}'), (6, '{date,timestamp,timestamptz}'), (7, '{jsonb}'), (8, '{tid}'), (9, '{xid}'),
             (10, '{regclass,oid}'), (11, '{"\"char\""}')) AS v (number, kinds),
     unnest(kinds::text[]) AS kind;

-- What an argument may stand for: the types of its family, or any for those that take any.
CREATE TABLE traps.fitting AS
SELECT DISTINCT f.kind AS declared, g.kind FROM traps.family f JOIN traps.family g USING (number)
UNION SELECT p::regtype, kind FROM unnest('{anyelement,"\"any\"",anycompatible}'::text[]) p, traps.family
      WHERE kind::text IN ('text', 'character varying', 'name', 'bigint', 'numeric')
UNION SELECT p::regtype, kind FROM unnest('{anyarray,anycompatiblearray}'::text[]) p, traps.family
      WHERE number IN (3, 4);

CREATE FUNCTION traps.fill(schema text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('traps.schema', schema, false);
    PERFORM traps.make('operator', name, arguments, min(result))
    FROM (SELECT oprname::text AS name, ARRAY[l.kind::text, r.kind::text] AS arguments, oprresult::regtype::text AS result
          FROM pg_operator JOIN traps.fitting l ON l.declared = oprleft JOIN traps.fitting r ON r.declared = oprright
          WHERE oprkind = 'b' AND oprresult::regtype::text !~ '^any'
          UNION SELECT oprname, ARRAY[kind::text], oprresult::regtype::text
          FROM pg_operator JOIN traps.fitting ON declared = oprright WHERE oprkind = 'l' AND oprresult::regtype::text !~ '^any') AS o
    GROUP BY name, arguments;
    PERFORM traps.make('function', name, arguments, min(result))
    FROM (SELECT proname::text AS name, ARRAY[]::text[] AS arguments, prorettype::regtype::text AS result
          FROM pg_proc WHERE pronargs = 0 AND pronamespace = 'pg_catalog'::regnamespace
          UNION SELECT proname, ARRAY[a.kind::text], prorettype::regtype::text
          FROM pg_proc JOIN traps.fitting a ON a.declared = proargtypes[0]
          WHERE pronargs = 1 AND pronamespace = 'pg_catalog'::regnamespace
          UNION SELECT proname, ARRAY[a.kind::text, b.kind::text], prorettype::regtype::text
          FROM pg_proc JOIN traps.fitting a ON a.declared = proargtypes[0] JOIN traps.fitting b ON b.declared = proargtypes[1]
          WHERE pronargs = 2 AND pronamespace = 'pg_catalog'::regnamespace
          UNION SELECT proname, (SELECT array_agg(t::regtype::text ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY u (t, n)),
                       prorettype::regtype::text
          FROM pg_proc WHERE pronargs > 2 AND pronamespace = 'pg_catalog'::regnamespace
            AND NOT EXISTS (SELECT FROM unnest(proargtypes) t WHERE t NOT IN (SELECT declared FROM traps.family JOIN traps.fitting USING (kind)))) AS f
    WHERE result !~ '^any|internal|cstring|trigger|handler|record'
    GROUP BY name, arguments;
    RETURN (SELECT count(*) FROM pg_operator WHERE oprnamespace = quote_ident(schema)::regnamespace);
END
$$;
