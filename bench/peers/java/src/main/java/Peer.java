import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

import com.netflix.conductor.client.automator.TaskRunnerConfigurer;
import com.netflix.conductor.client.http.ConductorClient;
import com.netflix.conductor.client.http.TaskClient;
import com.netflix.conductor.client.worker.Worker;
import com.netflix.conductor.common.metadata.tasks.Task;
import com.netflix.conductor.common.metadata.tasks.TaskResult;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.Ed25519Signer;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.google.crypto.tink.subtle.Ed25519Sign;

/** A worker as the Java SDK's README has it, with nimbus-jose-jwt. */
public final class Peer implements Worker {
    private final Map<String, JWSSigner> signers = new ConcurrentHashMap<>();

    public static void main(String[] args) {
        int slots = Integer.parseInt(System.getenv("BENCH_SLOTS"));
        ConductorClient client = ConductorClient.builder().basePath(System.getenv("BENCH_URL")).build();
        new TaskRunnerConfigurer.Builder(new TaskClient(client), List.of(new Peer()))
            .withThreadCount(slots)
            .build()
            .init();
    }

    @Override
    public String getTaskDefName() {
        return System.getenv().getOrDefault("BENCH_TASK_TYPE", "GET_SIGNED_JWT");
    }

    @Override
    public int getPollingInterval() {
        return 100;
    }

    @Override
    public TaskResult execute(Task task) {
        TaskResult result = new TaskResult(task);
        try {
            result.getOutputData().put("token", sign(task.getInputData()));
            result.setStatus(TaskResult.Status.COMPLETED);
        } catch (Exception e) {
            result.setStatus(TaskResult.Status.FAILED);
            result.setReasonForIncompletion(e.toString());
        }
        return result;
    }

    private String sign(Map<String, Object> in) throws Exception {
        String name = (String) in.get("algorithm");
        String text = (String) in.get("privateKey");
        JWSSigner signer = signers.get(text);
        if (signer == null) {
            signer = signer(name, text);
            signers.put(text, signer);
        }
        long now = System.currentTimeMillis();
        long ttl = ((Number) in.get("ttlInSecond")).longValue() * 1000;
        JWTClaimsSet claims = new JWTClaimsSet.Builder()
            .issuer((String) in.get("issuer"))
            .subject((String) in.get("subject"))
            .audience((String) in.get("audience"))
            .issueTime(new Date(now))
            .expirationTime(new Date(now + ttl))
            .jwtID(UUID.randomUUID().toString())
            .claim("scope", in.get("scopes"))
            .build();
        JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.parse(name))
            .keyID((String) in.get("privateKeyId")).type(JOSEObjectType.JWT).build();
        SignedJWT token = new SignedJWT(header, claims);
        token.sign(signer);
        return token.serialize();
    }

    private static JWSSigner signer(String name, String text) throws Exception {
        byte[] der = Base64.getMimeDecoder().decode(text.replaceAll("-----[^-]+-----", ""));
        if (name.equals("EdDSA")) {
            byte[] seed = Arrays.copyOfRange(der, der.length - 32, der.length);
            byte[] x = Ed25519Sign.KeyPair.newKeyPairFromSeed(seed).getPublicKey();
            return new Ed25519Signer(new OctetKeyPair.Builder(Curve.Ed25519, Base64URL.encode(x)).d(Base64URL.encode(seed)).build());
        }
        String kind = name.startsWith("ES") ? "EC" : "RSA";
        PrivateKey key = KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(der));
        return kind.equals("EC") ? new ECDSASigner((ECPrivateKey) key) : new RSASSASigner(key);
    }
}
