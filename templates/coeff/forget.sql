DELETE FROM {{ schema }}.load_ledger WHERE (table_name, entry) = ('{{ table }}', 'procedure coeff');
