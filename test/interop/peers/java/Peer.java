import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.Ed25519Signer;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.crypto.bc.BouncyCastleProviderSingleton;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.LinkedHashMap;
import java.util.Map;

/** Signs and verifies JWTs with nimbus-jose-jwt: one JSON request a line, one answer a line. */
public final class Peer {
  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      Map<String, Object> answer = new LinkedHashMap<>();
      try {
        answer(JSONObjectUtils.parse(line), answer);
        answer.put("ok", true);
      } catch (Exception error) {
        answer.put("ok", false);
        answer.put("error", error.toString());
      }
      System.out.println(JSONObjectUtils.toJSONString(answer));
    }
  }

  private static void answer(Map<String, Object> request, Map<String, Object> answer) throws Exception {
    var alg = JWSAlgorithm.parse((String) request.get("alg"));
    String text = (String) request.get("key");
    JWK key = request.get("form").equals("pem") ? JWK.parseFromPEMEncodedObjects(text) : JWK.parse(text);
    if (request.get("op").equals("sign")) {
      var jws = new JWSObject(new JWSHeader(alg), new Payload(JSONObjectUtils.getJSONObject(request, "claims")));
      jws.sign(signer(alg, key));
      answer.put("token", jws.serialize());
      return;
    }
    JWSObject jws = JWSObject.parse((String) request.get("token"));
    if (!jws.getHeader().getAlgorithm().equals(alg)) throw new Exception("other alg");
    if (!jws.verify(verifier(alg, key))) throw new Exception("signature does not verify");
    answer.put("claims", jws.getPayload().toJSONObject());
  }

  private static JWSSigner signer(JWSAlgorithm alg, JWK key) throws Exception {
    if (JWSAlgorithm.Family.HMAC_SHA.contains(alg)) return new MACSigner(key.toOctetSequenceKey());
    if (JWSAlgorithm.Family.RSA.contains(alg)) return new RSASSASigner(key.toRSAKey());
    if (JWSAlgorithm.Family.ED.contains(alg)) return new Ed25519Signer(key.toOctetKeyPair());
    var signer = new ECDSASigner(key.toECKey());
    provider(signer.getJCAContext(), key.toECKey());
    return signer;
  }

  private static JWSVerifier verifier(JWSAlgorithm alg, JWK key) throws Exception {
    if (JWSAlgorithm.Family.HMAC_SHA.contains(alg)) return new MACVerifier(key.toOctetSequenceKey());
    if (JWSAlgorithm.Family.RSA.contains(alg)) return new RSASSAVerifier(key.toRSAKey());
    if (JWSAlgorithm.Family.ED.contains(alg)) return new Ed25519Verifier(key.toOctetKeyPair());
    var verifier = new ECDSAVerifier(key.toECKey());
    provider(verifier.getJCAContext(), key.toECKey());
    return verifier;
  }

  private static void provider(com.nimbusds.jose.jca.JCAContext context, ECKey key) {
    if (key.getCurve().equals(com.nimbusds.jose.jwk.Curve.SECP256K1)) {
      context.setProvider(BouncyCastleProviderSingleton.getInstance());
    }
  }
}
