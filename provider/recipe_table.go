package provider

// The bodies of RFC 7523 §2.1 and §2.2.
const (
	post            = `"uri":"${workflow.input.tokenUrl}","method":"POST","accept":"application/json",`
	form            = post + `"contentType":"application/x-www-form-urlencoded","body":"`
	assertion       = form + `grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=${jwt.output.token}`
	clientAssertion = form + `grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${jwt.output.token}`
	api             = `"uri":"${workflow.input.apiUrl}","method":"GET","accept":"application/json","headers":{"Authorization":"Bearer ${jwt.output.token}"`
	accessToken     = "access_token"

	// The signing inputs of a client's assertion.
	client     = `"issuer":"${workflow.input.clientId}","audience":"${workflow.input.audience}"`
	clientKey  = client + `,"privateKeyId":"${workflow.input.keyId}"`
	issuerKey  = `"issuer":"${workflow.input.issuer}","privateKeyId":"${workflow.input.keyId}"`
	partySigns = `"issuer":"${workflow.input.issuer}","subject":"${workflow.input.subject}"`
	ownKey     = "Make a key: `conductor-jwt key generate key.pem --alg RS256 --public-out key.pub.pem`."
	publicJWK  = " Register the public half, which `conductor-jwt jwks key.pub.pem` prints as a JWK Set."
	inUse      = "`invalid_client`: the `kid` is not that of the registered key, or the audience is another URL than the provider's own."
)

// Recipes returns a recipe for each profile, in the order of their table.
func Recipes() []Recipe {
	return append(append(googleRecipes(), signedRecipes()...), append(appleRecipes(), append(clientsRecipes(), secretsRecipes()...)...)...)
}

func googleRecipes() []Recipe {
	const key = "Make a key for the service account in the Google Cloud console (IAM, Service Accounts, Keys) and take the JSON file as it is."
	return []Recipe{
		{
			Profile: "google-service-account", Secret: "GOOGLE_SERVICE_ACCOUNT", Key: key,
			sign:    `"scopes":"${workflow.input.scopes}"`,
			inputs:  `"scopes":"https://www.googleapis.com/auth/devstorage.read_only","tokenUrl":"https://oauth2.googleapis.com/token","apiUrl":"https://storage.googleapis.com/storage/v1/b?project=my-project"`,
			request: assertion + `"`, access: accessToken,
			Wrong: "`invalid_grant`, *Invalid JWT Signature*: the key was deleted in the console.|`invalid_scope`: a scope that there is not.|403 from the API: the service account has no role there.",
		},
		{
			Profile: "google-self-signed", Secret: "GOOGLE_SERVICE_ACCOUNT", Key: key,
			sign:    `"audience":"${workflow.input.audience}"`,
			inputs:  `"audience":"https://pubsub.googleapis.com/","apiUrl":"https://pubsub.googleapis.com/v1/projects/my-project/topics"`,
			request: api + `}`,
			Wrong:   "401: the audience is another API's, or lacks the slash at its end.|Not every API takes these tokens: use google-service-account there.",
		},
		{
			Profile: "firebase", Secret: "GOOGLE_SERVICE_ACCOUNT", Key: key,
			sign:    `"claims":{"uid":"${workflow.input.uid}"}`,
			inputs:  `"uid":"user-1","tokenUrl":"https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken?key=WEB_API_KEY","apiUrl":"https://firestore.googleapis.com/v1/projects/my-project/databases/(default)/documents/users"`,
			request: post + `"contentType":"application/json","body":{"token":"${jwt.output.token}","returnSecureToken":true}`, access: "idToken",
			Wrong: "`INVALID_CUSTOM_TOKEN`: the service account is another project's than the API key.",
		},
	}
}

func signedRecipes() []Recipe {
	return append([]Recipe{
		{
			Profile: "github-app", Secret: "GITHUB_APP_KEY",
			Key:     "In the settings of the app, under *Private keys*, generate one and take the PEM file as it is.",
			sign:    `"issuer":"${workflow.input.clientId}"`,
			inputs:  `"clientId":"Iv23li0000","tokenUrl":"https://api.github.com/app/installations/1/access_tokens","apiUrl":"https://api.github.com/installation/repositories"`,
			request: post + `"headers":{"Authorization":"Bearer ${jwt.output.token}"}`, access: "token",
			Wrong: "404: the installation is another app's.|401, *'Expiration time' claim ('exp') is too far in the future*: the worker's clock is ahead.",
		},
		{
			Profile: "salesforce", Secret: "SALESFORCE_KEY",
			Key: ownKey + " Make a certificate of it with `openssl req -x509 -key key.pem -out key.crt -days 730 -subj /CN=conductor`. " +
				"Make an external client app (*Setup*, *External Client App Manager*), enable the JWT bearer flow and upload key.crt there. Since Spring '26 new orgs have connected apps turned off.",
			sign: partySigns + `,"audience":"${workflow.input.audience}"`,
			inputs: `"issuer":"3MVG9consumerkey","subject":"user@example.com","audience":"https://example.my.salesforce.com","tokenUrl":"https://example.my.salesforce.com/services/oauth2/token",` +
				`"apiUrl":"https://example.my.salesforce.com/services/data/v62.0/limits"`,
			request: assertion + `"`, access: accessToken,
			Wrong: "`invalid_grant`, *user hasn't approved this consumer*: let an administrator pre-authorise the app for the user's profile.|" +
				"`app_not_found`, *External client app is not installed in this org*: the audience and the token URL must be the My Domain URL of the org that has the app, " +
				"not `login.salesforce.com` or `test.salesforce.com`; of a sandbox it is `https://example--sandbox.sandbox.my.salesforce.com`. A sandbox that was refreshed needs the app again.|" +
				"`invalid_grant`, *audience is invalid*: orgs from before Spring '26 and Government Cloud may want https://login.salesforce.com, or https://test.salesforce.com for a sandbox, as the audience. The token URL remains that of My Domain.",
		},
		{
			Profile: "snowflake", Secret: "SNOWFLAKE_KEY",
			Key:     ownKey + " `ALTER USER BOB SET RSA_PUBLIC_KEY='…'` with the lines of key.pub.pem between its BEGIN and END lines.",
			sign:    `"subject":"${workflow.input.subject}"`,
			inputs:  `"subject":"MYORG-MYACCOUNT.BOB","apiUrl":"https://myorg-myaccount.snowflakecomputing.com/api/v2/databases"`,
			request: api + `,"X-Snowflake-Authorization-Token-Type":"KEYPAIR_JWT"}`,
			Wrong:   "390144, *JWT token is invalid*: the user has another public key (`DESC USER`), or the account in the subject has its region in it.",
		},
		{
			Profile: "docusign", Secret: "DOCUSIGN_KEY",
			Key:     "Under *Apps and Keys*, add an RSA key pair to the integration key and take the private key, which is shown once.",
			sign:    partySigns + `,"audience":"${workflow.input.audience}"`,
			inputs:  `"issuer":"integration-key","subject":"user-guid","audience":"account-d.docusign.com","tokenUrl":"https://account-d.docusign.com/oauth/token","apiUrl":"https://account-d.docusign.com/oauth/userinfo"`,
			request: assertion + `"`, access: accessToken,
			Wrong: "`consent_required`: the user must once open the consent page with the scopes of the token.|`issuer_not_found`: the integration key is of the other environment, demo or production.",
		},
		{
			Profile: "vonage", Secret: "VONAGE_KEY",
			Key:     "Generate the key pair of the application in the dashboard and take the file private.key as it is.",
			sign:    `"claims":{"application_id":"${workflow.input.applicationId}"}`,
			inputs:  `"applicationId":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab","apiUrl":"https://api.nexmo.com/v1/calls"`,
			request: api + `}`,
			Wrong:   "401: the key pair was generated again, which ended the old one.",
		},
	}, boxAndNetSuiteRecipes()...)
}

func boxAndNetSuiteRecipes() []Recipe {
	return []Recipe{
		{
			Profile: "box", Secret: "BOX_KEY",
			Key: "Generate a key pair in the developer console. Of the config.json, take `privateKey` for this secret, `passphrase` for BOX_PASSPHRASE and `clientSecret` for BOX_CLIENT_SECRET, which are defined in the same way.",
			sign: partySigns + `,"privateKeyId":"${workflow.input.keyId}","privateKeyPassword":"${workflow.secrets.BOX_PASSPHRASE}",` +
				`"claims":{"box_sub_type":"enterprise"}`,
			inputs:  `"issuer":"client-id","subject":"enterprise-id","keyId":"public-key-id","tokenUrl":"https://api.box.com/oauth2/token","apiUrl":"https://api.box.com/2.0/users/me"`,
			request: assertion + `&client_id=${workflow.input.issuer}&client_secret=${workflow.secrets.BOX_CLIENT_SECRET}"`, access: accessToken,
			Wrong: "`unauthorized_client`: the app is not authorised in the admin console.|`invalid_grant`, *check the 'exp' claim*: a token is good for a minute; look at the clocks.",
		},
		{
			Profile: "netsuite", Secret: "NETSUITE_KEY",
			Key:  "`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out key.crt -subj /CN=conductor -days 700`. Upload key.crt under *OAuth 2.0 Client Credentials (M2M) Setup*; the certificate ID there is the key id.",
			sign: `"issuer":"${workflow.input.clientId}","privateKeyId":"${workflow.input.keyId}","scopes":"rest_webservices","audience":"${workflow.input.audience}"`,
			inputs: `"clientId":"client-id","keyId":"certificate-id","audience":"https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",` +
				`"tokenUrl":"https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token","apiUrl":"https://1234567.suitetalk.api.netsuite.com/services/rest/record/v1/customer"`,
			request: clientAssertion + `"`, access: accessToken,
			Wrong: "`invalid_request`: the certificate has run out, two years after it was made at the latest.",
		},
	}
}

func appleRecipes() []Recipe {
	return []Recipe{
		{
			Profile: "app-store-connect", Secret: "APP_STORE_CONNECT_KEY",
			Key:     "In App Store Connect, *Users and Access*, *Integrations*, make a team key and take its .p8 file as it is.",
			sign:    issuerKey,
			inputs:  `"issuer":"issuer-id","keyId":"2X9R4HXF34","apiUrl":"https://api.appstoreconnect.apple.com/v1/apps"`,
			request: api + `}`,
			Wrong:   "401 `NOT_AUTHORIZED`: the key was revoked, or the issuer ID is another team's.|An individual key has no issuer: write `\"subject\":\"user\"` in place of `issuer`.",
		},
		{
			Profile: "apple-sign-in", Secret: "APPLE_SIGN_IN_KEY",
			Key:     "Under *Certificates, Identifiers & Profiles*, make a key with *Sign in with Apple* and take its .p8 file as it is.",
			sign:    `"issuer":"${workflow.input.teamId}","subject":"${workflow.input.clientId}","privateKeyId":"${workflow.input.keyId}"`,
			inputs:  `"teamId":"DEF123GHIJ","clientId":"com.example.web","keyId":"ABC123DEFG","code":"authorization-code","tokenUrl":"https://appleid.apple.com/auth/token","apiUrl":"https://example.com/"`,
			request: form + `grant_type=authorization_code&code=${workflow.input.code}&client_id=${workflow.input.clientId}&client_secret=${jwt.output.token}"`, access: accessToken,
			Wrong: "`invalid_grant`: an authorization code is good once and for five minutes; it comes with the user, and no retry brings another.",
		},
	}
}

func clientsRecipes() []Recipe {
	const clientSigns = `"clientId":"client-id","keyId":"key-1",`
	return []Recipe{
		{
			Profile: "entra", Secret: "ENTRA_KEY",
			Key: "`openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out key.crt -subj /CN=conductor -days 365`. Upload key.crt to the app registration, under *Certificates & secrets*. " +
				"The secret is key.pem with key.crt behind it, in one text.",
			sign: client + `,"certificateHeaders":["x5t#S256"]`,
			inputs: `"clientId":"client-id","audience":"https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token","scope":"https%3A%2F%2Fgraph.microsoft.com%2F.default",` +
				`"tokenUrl":"https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token","apiUrl":"https://graph.microsoft.com/v1.0/users"`,
			request: clientAssertion + `&client_id=${workflow.input.clientId}&scope=${workflow.input.scope}"`, access: accessToken,
			Wrong: "`AADSTS700027`: the certificate is not the registered one.|`AADSTS700024`: the clocks differ, or the token was tried again.",
		},
		{
			Profile: "okta", Secret: "OKTA_KEY", Key: ownKey + publicJWK, sign: clientKey,
			inputs:  clientSigns + `"audience":"https://example.okta.com/oauth2/v1/token","scope":"okta.users.read","tokenUrl":"https://example.okta.com/oauth2/v1/token","apiUrl":"https://example.okta.com/api/v1/users"`,
			request: clientAssertion + `&scope=${workflow.input.scope}"`, access: accessToken,
			Wrong: inUse + "|`invalid_scope`: the scope is not granted to the app.",
		},
		{
			Profile: "auth0", Secret: "AUTH0_KEY", Key: ownKey + " Upload key.pub.pem as a credential of the application, under *Private Key JWT*.", sign: client,
			inputs:  `"clientId":"client-id","audience":"https://example.auth0.com/","api":"https%3A%2F%2Fexample.auth0.com%2Fapi%2Fv2%2F","tokenUrl":"https://example.auth0.com/oauth/token","apiUrl":"https://example.auth0.com/api/v2/clients"`,
			request: clientAssertion + `&client_id=${workflow.input.clientId}&audience=${workflow.input.api}"`, access: accessToken,
			Wrong: "`access_denied`: the application has no grant for the API.|A custom domain is the audience where the token URL has it.",
		},
		{
			Profile: "keycloak", Secret: "KEYCLOAK_KEY", Key: ownKey + publicJWK, sign: clientKey,
			inputs:  clientSigns + `"audience":"https://keycloak.example.com/realms/main","tokenUrl":"https://keycloak.example.com/realms/main/protocol/openid-connect/token","apiUrl":"https://keycloak.example.com/admin/realms/main/users"`,
			request: clientAssertion + `"`, access: accessToken, Wrong: inUse,
		},
		{
			Profile: "smart-backend-services", Secret: "SMART_KEY", Key: "Make a key: `conductor-jwt key generate key.pem --alg ES384 --public-out key.pub.pem`." + publicJWK, sign: clientKey,
			inputs:  clientSigns + `"audience":"https://ehr.example.com/token","scope":"system%2FPatient.rs","tokenUrl":"https://ehr.example.com/token","apiUrl":"https://ehr.example.com/fhir/Patient?_count=1"`,
			request: clientAssertion + `&scope=${workflow.input.scope}"`, access: accessToken, Wrong: inUse,
		},
		{
			Profile: "client-assertion", Secret: "CLIENT_KEY", Key: ownKey + publicJWK, sign: client,
			inputs:  `"clientId":"client-id","audience":"https://as.example.com","tokenUrl":"https://as.example.com/token","apiUrl":"https://api.example.com/"`,
			request: clientAssertion + `"`, access: accessToken,
			Wrong: inUse + "|The audience is the issuer of the authorization server (`issuer` in its metadata), not its token URL (RFC 10070 §4).|FAPI 2.0 does not permit RS256. With an RSA key the profile signs with PS256, unless the task sets `algorithm`.",
		},
	}
}

func secretsRecipes() []Recipe {
	const raw = `"secretEncoding":"raw"`
	return []Recipe{
		{
			Profile: "supabase", Secret: "SUPABASE_JWT_SECRET",
			Key:     "Take the JWT secret of the project (*Project Settings*, *JWT Keys*). Newer projects sign with a key pair: import one of yours, take its PEM, and take `secretEncoding` out.",
			sign:    raw + `,"subject":"${workflow.input.userId}"`,
			inputs:  `"userId":"00000000-0000-0000-0000-000000000000","apiUrl":"https://example.supabase.co/rest/v1/todos","apiKey":"publishable-key"`,
			request: api + `,"apikey":"${workflow.input.apiKey}"}`,
			Wrong:   "401 from the gateway: `apikey` is another project's.|An empty answer: row level security lets this user see nothing.",
		},
		{
			Profile: "livekit", Secret: "LIVEKIT_API_SECRET",
			Key:    "Take the API secret of the project, of 32 characters or more; its API key is the issuer.",
			sign:   raw + `,"issuer":"${workflow.input.apiKey}","claims":{"video":{"roomList":true}}`,
			inputs: `"apiKey":"APIxxxxxxxx","apiUrl":"https://example.livekit.cloud/twirp/livekit.RoomService/ListRooms"`,
			request: `"uri":"${workflow.input.apiUrl}","method":"POST","contentType":"application/json","accept":"application/json","body":{},` +
				`"headers":{"Authorization":"Bearer ${jwt.output.token}"}`,
			Wrong: "401: the key and the secret are of two projects.|403: `video` lacks what the call needs.",
		},
		{
			Profile: "tableau", Secret: "TABLEAU_SECRET",
			Key:     "Make a connected app with direct trust, enable it, and generate a secret: its id is the key id, its value this secret.",
			sign:    raw + "," + partySigns + `,"privateKeyId":"${workflow.input.keyId}","scopes":"tableau:content:read"`,
			inputs:  `"issuer":"client-id","subject":"user@example.com","keyId":"secret-id","site":"mysite","tokenUrl":"https://example.online.tableau.com/api/3.24/auth/signin","apiUrl":"https://example.online.tableau.com/api/3.24/sites"`,
			request: post + `"contentType":"application/json","body":{"credentials":{"jwt":"${jwt.output.token}","site":{"contentUrl":"${workflow.input.site}"}}}`,
			access:  "credentials.token", header: `"X-Tableau-Auth":"${token.output.accessToken}"`,
			Wrong: "401001: the connected app is disabled, or the user is not of this site.|403: a scope is missing.",
		},
	}
}
