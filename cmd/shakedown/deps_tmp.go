package main

import (
	_ "github.com/HdrHistogram/hdrhistogram-go"
	_ "github.com/cloudflare/cfssl/config"
	_ "github.com/cloudflare/cfssl/csr"
	_ "github.com/cloudflare/cfssl/helpers"
	_ "github.com/cloudflare/cfssl/initca"
	_ "github.com/cloudflare/cfssl/selfsign"
	_ "github.com/cloudflare/cfssl/signer/local"
	_ "github.com/goccy/go-yaml"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/spf13/cobra"
	_ "github.com/vbauerster/mpb/v8"
	_ "github.com/zmap/zcrypto/tls"
	_ "github.com/zmap/zcrypto/x509"
	_ "go.uber.org/goleak"
	_ "golang.org/x/crypto/cryptobyte"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sync/semaphore"
	_ "golang.org/x/term"
	_ "golang.org/x/time/rate"
)
