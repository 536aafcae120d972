# One session of Python's ftplib. Its dialogue goes to stderr, and at last why it failed.
import contextlib
import ftplib
import sys

(host, port, user, password, mode, address, protection, resumption, patience, command, name,
 offset) = sys.argv[1:]


def tell(words):
    print(words, file=sys.stderr, flush=True)


class Told:
    """Tells the lines of the control connection, but for the password."""

    lastresp = ""

    def putline(self, line):
        tell("> " + ("PASS ***" if line.startswith("PASS ") else line))
        super().putline(line)

    def getline(self):
        line = super().getline()
        tell("< " + line)
        return line


def plain():
    class Client(Told, ftplib.FTP):
        pass

    return Client(timeout=float(patience))


def explicit():
    import ssl

    class Client(Told, ftplib.FTP_TLS):
        def ntransfercmd(self, cmd, rest=None):
            # As in FTP_TLS, which resumes no session.
            conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
            session = self.session if resumption == "resumed" else None
            return self.context.wrap_socket(conn, server_hostname=self.host, session=session), size

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Any certificate will do: whom it talks to is not what a lab asks.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Of TLS 1.3 a session can be resumed only when the server's tickets were read.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return Client(timeout=float(patience), context=context)


def transfer(ftp):
    if command in ("LIST", "MLSD"):
        with open("received", "w", encoding="utf-8") as file:
            ftp.retrlines(command, lambda line: print(line, file=file))
    elif command in ("STOR", "APPE"):
        with open("sent", "rb") as file:
            ftp.storbinary(command + " " + name, file)
    else:
        with open("received", "wb") as file:
            ftp.retrbinary("RETR " + name, file.write, rest=int(offset) if offset else None)


try:
    ftp = plain() if protection == "plain" else explicit()
    ftp.trust_server_pasv_ipv4_address = address == "announced"
    ftp.connect(host, int(port))
    ftp.login(user, password)
    if protection != "plain":
        ftp.prot_p()
        ftp.session = ftp.sock.session
    if protection == "ccc":
        ftp.ccc()
    ftp.set_pasv(mode == "passive")
    transfer(ftp)
except ftplib.all_errors as error:
    if type(error).__name__.startswith("SSL") and ftp.lastresp.startswith("1"):
        # A server that refuses TLS on the data connection closes it, and then says why.
        with contextlib.suppress(*ftplib.all_errors):
            ftp.getresp()
    sys.exit("ftplib: " + ": ".join(filter(None, [type(error).__name__, str(error)])))
with contextlib.suppress(*ftplib.all_errors):
    ftp.quit()
