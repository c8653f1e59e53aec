"""The report of the experiment: the talk's table cell by cell beside ours."""
