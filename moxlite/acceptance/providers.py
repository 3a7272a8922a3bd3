"""Mailbox providers: domains where anyone gets a mailbox (SMTP-88). Mail of one of their users says nothing about
another user.
"""

from typing import Final

_NAMES: Final = """
126.com 163.com aol.com bk.ru comcast.net fastmail.com fastmail.fm free.fr gmail.com gmx.at gmx.ch gmx.com gmx.de
gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr hotmail.it icloud.com inbox.ru
interia.pl laposte.net libero.it list.ru live.com live.nl mac.com mail.com mail.ru mailbox.org mailfence.com me.com
msn.com naver.com onet.pl orange.fr outlook.com outlook.de outlook.fr pm.me posteo.de proton.me protonmail.com qq.com
rambler.ru riseup.net rocketmail.com seznam.cz sina.com sohu.com t-online.de tuta.io tutamail.com tutanota.com
verizon.net virgilio.it wanadoo.fr web.de wp.pl yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de
yahoo.es yahoo.fr yahoo.in yahoo.it yandex.com yandex.ru yeah.net ymail.com zoho.com
"""

PROVIDERS: Final = frozenset(_NAMES.split())
"""The providers' domains: U-labels, lower case."""
