// Node's TLS, with everything enabled that its OpenSSL has: a server, or a
// client that offers one suite of one version at a time.
const tls = require('tls'), fs = require('fs');
const [mode, host, port, ...files] = process.argv.slice(2);
const all = tls.getCiphers().map(c => c.toUpperCase());
const newest = all.filter(c => c.startsWith('TLS_'));

if (mode === 'serve') {
  const read = f => fs.readFileSync(f);
  const [rsaCert, rsaKey, ecCert, ecKey] = files.map(read);
  tls.createServer({
    cert: [rsaCert, ecCert], key: [rsaKey, ecKey], minVersion: 'TLSv1', maxVersion: 'TLSv1.3', dhparam: 'auto',
    ciphers: [...newest, 'ALL', 'COMPLEMENTOFALL', '@SECLEVEL=0'].join(':'),
  }, s => s.on('error', () => {}).end()).on('tlsClientError', () => {}).listen(+port, host);
} else {
  probe();
}

async function probe() {
  for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
    for (const suite of all)
      if (suite.startsWith('TLS_') === (version === 'TLSv1.3') && await finishes(version, suite)) console.log(version, suite);
}

function finishes(version, suite) {
  return new Promise((resolve, reject) => {
    let socket;
    try {
      socket = tls.connect({ host, port: +port, servername: 'portal.example', rejectUnauthorized: false, minDHSize: 1,
        minVersion: version, maxVersion: version, ciphers: version === 'TLSv1.3' ? suite : suite + ':@SECLEVEL=0' });
    } catch (e) { return resolve(false); }
    socket.setTimeout(10000, () => reject(new Error('timeout on ' + suite)));
    socket.on('secureConnect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
