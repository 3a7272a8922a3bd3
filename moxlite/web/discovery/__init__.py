"""Documents that mail programs and servers fetch from well-known names: autoconfig, autodiscover, Apple profiles,
MTA-STS policies (docs/spec/web.md §10). Their content comes from `admin.offer`, the source of the DNS records, too.
"""
