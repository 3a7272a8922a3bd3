"""Arguments and results of the commands about the queue, which the queue, the command line and the admin app share."""
