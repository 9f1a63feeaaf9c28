/* mbed TLS as a client that offers one suite of one version at a time and
 * prints those whose handshake was finished. */
#include <stdio.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;

static int finishes(const char *host, const char *port, int minor, int suite) {
	mbedtls_net_context net;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	int offered[2] = { suite, 0 }, ok = 0;

	mbedtls_net_init(&net);
	mbedtls_ssl_init(&ssl);
	mbedtls_ssl_config_init(&conf);
	if (mbedtls_net_connect(&net, host, port, MBEDTLS_NET_PROTO_TCP) != 0)
		return -1;
	mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random_source);
	mbedtls_ssl_conf_ciphersuites(&conf, offered);
	mbedtls_ssl_conf_arc4_support(&conf, MBEDTLS_SSL_ARC4_ENABLED);
	mbedtls_ssl_conf_min_version(&conf, MBEDTLS_SSL_MAJOR_VERSION_3, minor);
	mbedtls_ssl_conf_max_version(&conf, MBEDTLS_SSL_MAJOR_VERSION_3, minor);
	if (mbedtls_ssl_setup(&ssl, &conf) == 0 && mbedtls_ssl_set_hostname(&ssl, "portal.example") == 0) {
		mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
		ok = mbedtls_ssl_handshake(&ssl) == 0;
	}
	mbedtls_net_free(&net);
	mbedtls_ssl_free(&ssl);
	mbedtls_ssl_config_free(&conf);
	return ok;
}

int main(int argc, char **argv) {
	static const char *const names[] = { "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2" };
	const int *suite;
	int minor, ok;

	if (argc != 3)
		return 2;
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_source);
	if (mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0) != 0)
		return 1;
	for (minor = 0; minor <= 3; minor++)
		for (suite = mbedtls_ssl_list_ciphersuites(); *suite; suite++) {
			if ((ok = finishes(argv[1], argv[2], minor, *suite)) < 0)
				return 1;
			if (ok)
				printf("%s 0x%04X\n", names[minor], *suite);
		}
	return 0;
}
