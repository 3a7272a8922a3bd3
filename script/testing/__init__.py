"""What `script/test` uses: the tests for a change, and failed tests run again."""
