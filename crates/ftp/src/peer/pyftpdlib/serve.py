# pyftpdlib, set up as its arguments say. Its log, with the dialogue, goes to stderr.
import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import ActiveDTP, FTPHandler, PassiveDTP
from pyftpdlib.servers import FTPServer

(address, port, root, user, password, passive_ports, advertised, source_port, patience,
 *options) = sys.argv[1:]
EVERYTHING = "elradfmwMT"


class Active(ActiveDTP):
    timeout = int(patience)

    def bind(self, addr):
        if source_port == "20":
            # Another transfer's connection may still be known to the kernel.
            self.set_reuse_addr()
            addr = (addr[0], 20)
        super().bind(addr)


class Passive(PassiveDTP):
    timeout = int(patience)


class Handler(FTPHandler):
    active_dtp = Active
    passive_dtp = Passive
    authorizer = DummyAuthorizer()
    timeout = int(patience)
    masquerade_address = advertised or None


def value_of(text):
    words = {"True": True, "False": False}
    return int(text) if text.isdigit() else words.get(text, text)


logging.basicConfig(level=logging.DEBUG, format="%(message)s")
# The dialogue without what the event loop does.
logging.root.handlers[0].addFilter(lambda record: not record.getMessage().startswith("[debug]"))
if user == "anonymous":
    Handler.authorizer.add_anonymous(root, perm=EVERYTHING)
else:
    Handler.authorizer.add_user(user, password, root, perm=EVERYTHING)
if passive_ports:
    first, last = passive_ports.split("-")
    Handler.passive_ports = range(int(first), int(last) + 1)
for option in options:
    name, text = option.split("=", 1)
    setattr(Handler, name, value_of(text))
FTPServer((address, int(port)), Handler).serve_forever()
