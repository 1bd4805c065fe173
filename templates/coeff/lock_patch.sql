LOCK TABLE {{ patch_schema }}.{{ patch }} IN ACCESS EXCLUSIVE MODE;
