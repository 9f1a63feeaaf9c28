/* BearSSL as a server with every suite that it has:
 * bearssl_server PORT CERTIFICATE KEY, both in DER. It listens on 127.0.0.1. */
#include <arpa/inet.h>
#include <bearssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int receive(void *fd, unsigned char *to, size_t room) {
	ssize_t n = read(*(int *)fd, to, room);
	return n > 0 ? (int)n : -1;
}

static int transmit(void *fd, const unsigned char *from, size_t size) {
	ssize_t n = write(*(int *)fd, from, size);
	return n > 0 ? (int)n : -1;
}

static size_t contents(const char *name, unsigned char *to, size_t room) {
	FILE *f = fopen(name, "rb");
	size_t n = f ? fread(to, 1, room, f) : 0;
	if (f)
		fclose(f);
	return n;
}

/* serve finishes a handshake and waits for a byte. */
static void serve(int fd, const br_x509_certificate *certificate, const br_skey_decoder_context *key) {
	static br_ssl_server_context server;
	static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
	br_sslio_context io;
	unsigned char byte;

	if (br_skey_decoder_key_type(key) == BR_KEYTYPE_RSA)
		br_ssl_server_init_full_rsa(&server, certificate, 1, br_skey_decoder_get_rsa(key));
	else
		br_ssl_server_init_full_ec(&server, certificate, 1, BR_KEYTYPE_EC, br_skey_decoder_get_ec(key));
	br_ssl_engine_set_buffer(&server.eng, buffer, sizeof buffer, 1);
	br_ssl_server_reset(&server);
	br_sslio_init(&io, &server.eng, receive, &fd, transmit, &fd);
	br_sslio_read(&io, &byte, 1);
}

int main(int argc, char **argv) {
	static unsigned char leaf[8192], secret[8192];
	struct sockaddr_in at = { .sin_family = AF_INET };
	br_x509_certificate certificate = { leaf, 0 };
	br_skey_decoder_context key;
	int listener, fd, on = 1;

	if (argc != 4)
		return 2;
	certificate.data_len = contents(argv[2], leaf, sizeof leaf);
	br_skey_decoder_init(&key);
	br_skey_decoder_push(&key, secret, contents(argv[3], secret, sizeof secret));
	if (certificate.data_len == 0 || br_skey_decoder_last_error(&key) != 0) {
		fprintf(stderr, "no certificate or no key\n");
		return 1;
	}
	at.sin_port = htons(atoi(argv[1]));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 128) != 0) {
		perror("listening");
		return 1;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			alarm(15);
			serve(fd, &certificate, &key);
			_exit(0);
		}
		close(fd);
	}
	return 1;
}
