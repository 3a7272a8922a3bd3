"""Arguments and results of the commands about the queue, which the queue, the command line and the admin app share.

What the commands do is not here but in `queue.control`.
"""
