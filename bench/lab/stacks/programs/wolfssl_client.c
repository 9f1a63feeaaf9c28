/* wolfSSL as a client that offers one suite of one version at a time and
 * prints those whose handshake was finished. */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static int finishes(const struct sockaddr_in *to, WOLFSSL_METHOD *method, const char *suite) {
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(method);
	WOLFSSL *ssl = NULL;
	int ok = 0, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!ctx || fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)
		return -1;
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	if (wolfSSL_CTX_set_cipher_list(ctx, suite) == WOLFSSL_SUCCESS && (ssl = wolfSSL_new(ctx)) != NULL) {
		wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, "portal.example", strlen("portal.example"));
		wolfSSL_set_fd(ssl, fd);
		ok = wolfSSL_connect(ssl) == WOLFSSL_SUCCESS;
		if (ok)
			printf("%s ", wolfSSL_get_version(ssl)), printf("0x%04X\n", wolfSSL_get_current_cipher_suite(ssl));
	}
	wolfSSL_free(ssl);
	wolfSSL_CTX_free(ctx);
	close(fd);
	return ok;
}

int main(int argc, char **argv) {
	static char list[1 << 15];
	struct sockaddr_in to = { .sin_family = AF_INET };
	char *suite, *rest = list;

	if (argc != 3)
		return 2;
	to.sin_port = htons(atoi(argv[2]));
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	wolfSSL_Init();
	wolfSSL_get_ciphers(list, sizeof list);
	while ((suite = strsep(&rest, ":")) != NULL) {
		if (finishes(&to, wolfTLSv1_3_client_method(), suite) < 0 || finishes(&to, wolfTLSv1_2_client_method(), suite) < 0)
			return 1;
#ifndef NO_OLD_TLS
		if (finishes(&to, wolfTLSv1_1_client_method(), suite) < 0)
			return 1;
#ifdef WOLFSSL_ALLOW_TLSV10
		if (finishes(&to, wolfTLSv1_client_method(), suite) < 0)
			return 1;
#endif
#endif
	}
	return 0;
}
