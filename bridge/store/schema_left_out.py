"""The columns of what Fusion refused of a lead, and what is therefore left out of it.

Rule for editors: a released migration is never changed.
"""

# Names of fields, never values: those are in `body` beside them.
LEFT_OUT = """
ALTER TABLE outbox ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(left_out));

ALTER TABLE lead_map ADD COLUMN refused TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(refused));

ALTER TABLE lead_map_elsewhere ADD COLUMN refused TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(refused));
"""
