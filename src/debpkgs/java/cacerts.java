// java cacerts.java FOLDER FILE: the certificates of a folder as the store of trusted ones that Java reads; without a password, so that
// it is the same every time.

import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.List;

class Cacerts {
  public static void main(String[] words) throws Exception {
    System.setProperty("keystore.pkcs12.certProtectionAlgorithm", "NONE");
    System.setProperty("keystore.pkcs12.macAlgorithm", "NONE");
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    CertificateFactory certificates = CertificateFactory.getInstance("X.509");
    List<Path> files = Files.walk(Path.of(words[0])).filter(file -> file.toString().endsWith(".crt")).sorted().toList();
    for (Path file : files)
      try (var bytes = Files.newInputStream(file)) {
        trusted.setCertificateEntry(file.getFileName().toString().replace(".crt", "").toLowerCase(), certificates.generateCertificate(bytes));
      }
    try (var out = new FileOutputStream(words[1])) {
      trusted.store(out, null);
    }
  }
}
