"""The standard load on recochat, by k6, and a report that says whether it kept its promises."""
