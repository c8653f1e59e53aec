"""Reports for people: page, tables, failure gallery, leaderboard."""
