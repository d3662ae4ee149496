"""What `linnet` prints on a cluster, for the documents: played on one in memory."""
