-- Others may go on reading, but not change rows between the counts and the update.
LOCK TABLE {{ schema }}.{{ table }} IN SHARE ROW EXCLUSIVE MODE;
