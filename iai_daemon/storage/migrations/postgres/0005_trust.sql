-- Whose words a memory is.

-- the program that told it
ALTER TABLE records ADD COLUMN client TEXT;
-- user, agent, tool or import; NULL: nobody said, or a pass made it
ALTER TABLE records ADD COLUMN origin TEXT;

-- outranked: the newer record is trusted less than the older one, so that what it says ends nothing and comes after it
ALTER TABLE contradictions ADD COLUMN outranked BIGINT NOT NULL DEFAULT 0;
