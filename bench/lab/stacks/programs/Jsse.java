// Java's own TLS, with everything enabled that it has: a server, or a client
// that offers one suite of one version at a time and prints those that worked.
import java.io.*;
import java.net.*;
import java.security.*;
import java.security.cert.X509Certificate;
import java.util.*;
import javax.net.ssl.*;

public class Jsse {
    public static void main(String[] args) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.tls.legacyAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        if (args[0].equals("serve")) serve(args);
        else probe(args[1], Integer.parseInt(args[2]));
    }

    static void serve(String[] args) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        char[] password = args[3].toCharArray();
        for (int i = 4; i < args.length; i++) {
            KeyStore one = KeyStore.getInstance("PKCS12");
            try (InputStream in = new FileInputStream(args[i])) { one.load(in, password); }
            for (String alias : Collections.list(one.aliases()))
                keys.setKeyEntry(alias, one.getKey(alias, password), password, one.getCertificateChain(alias));
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
        managers.init(keys, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(Integer.parseInt(args[2]), 50, InetAddress.getByName(args[1]));
        listener.setEnabledProtocols(versions(listener.getSupportedProtocols()));
        listener.setEnabledCipherSuites(suites(listener.getSupportedCipherSuites()));
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            new Thread(() -> {
                try (socket) {
                    socket.setSoTimeout(10000);
                    socket.startHandshake();
                    socket.getInputStream().read();
                } catch (IOException e) { /* as the client wished */ }
            }).start();
        }
    }

    static void probe(String host, int port) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] { new Trusting() }, null);
        SSLSocketFactory factory = context.getSocketFactory();
        SSLSocket supported = (SSLSocket) factory.createSocket();
        for (String version : versions(supported.getSupportedProtocols()))
            for (String suite : suites(supported.getSupportedCipherSuites())) {
                Socket plain = new Socket(host, port);
                try (SSLSocket socket = (SSLSocket) factory.createSocket(plain, "portal.example", port, true)) {
                    socket.setSoTimeout(10000);
                    socket.setEnabledProtocols(new String[] { version });
                    socket.setEnabledCipherSuites(new String[] { suite });
                    socket.startHandshake();
                    System.out.println(version + " " + socket.getSession().getCipherSuite());
                } catch (SocketTimeoutException e) {
                    throw e;
                } catch (IOException | IllegalArgumentException | IllegalStateException e) { /* not this one */ }
            }
    }

    static String[] versions(String[] all) {
        return Arrays.stream(all).filter(v -> !v.equals("SSLv2Hello")).toArray(String[]::new);
    }

    // What only signals is no suite; Kerberos needs a realm.
    static String[] suites(String[] all) {
        return Arrays.stream(all).filter(s -> !s.endsWith("_SCSV") && !s.contains("KRB5")).toArray(String[]::new);
    }

    static class Trusting extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] c, String a) {}
        public void checkServerTrusted(X509Certificate[] c, String a) {}
        public void checkClientTrusted(X509Certificate[] c, String a, Socket s) {}
        public void checkServerTrusted(X509Certificate[] c, String a, Socket s) {}
        public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) {}
        public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) {}
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }
}
