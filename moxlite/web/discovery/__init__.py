"""What mail programs and servers fetch from well-known names: autoconfig, autodiscover, Apple profiles, policies of
MTA-STS (docs/spec/web.md §10). All are made from `admin.offer`, which is what the DNS records are made from, too.
"""
