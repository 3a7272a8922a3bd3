"""`moxlite config test`: the files of the configuration, and beside them the machine (ADMIN-11, ADMIN-11a). Cross
checks of keys are in `config.checks`."""
