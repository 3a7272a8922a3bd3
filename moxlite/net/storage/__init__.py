"""Objects in folders of other machines: by SFTP, and in the storage of providers. What the objects hold is not here."""
