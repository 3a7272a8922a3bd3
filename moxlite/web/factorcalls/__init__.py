"""The API calls about second factors, confirmations and recovery links, for the account app and the admin app (WEB-63a,
WEB-151, WEB-151a). The mechanisms are in `web.factors`, consequences of changes in `admin.factors`.
"""
