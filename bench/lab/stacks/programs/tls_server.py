"""Python's ssl module as a server, with everything enabled that its OpenSSL has."""
import socket, ssl, sys, threading, warnings

warnings.simplefilter("ignore")
host, port, *pairs = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1
context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
while pairs:
    context.load_cert_chain(pairs.pop(0), pairs.pop(0))
context.set_ecdh_curve("prime256v1")


def serve(plain):
    plain.settimeout(10)
    try:
        with context.wrap_socket(plain, server_side=True) as conn:
            conn.recv(1)
            conn.unwrap()  # without a goodbye of its own, this version forgets the session, sooner or later
    except OSError:
        plain.close()


with socket.create_server((host, int(port)), backlog=50) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
