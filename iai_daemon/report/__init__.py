"""The page that shows what happened while its readers were away: gathered, drawn, and made one file of HTML."""
