package provider

func livekit() *Profile {
	return &Profile{
		Name: "livekit", Title: "LiveKit, an access token",
		DocsURL: "https://docs.livekit.io/home/get-started/authentication/", Use: Bearer,
		Algorithms: hs256(), NotBefore: true,
		Claims: []Claim{
			required("iss", "the API key"),
			{Name: "sub", Meaning: "the identity of the participant, to join a room"},
			{Name: "video", Required: true, Meaning: "what the token permits, such as {\"roomCreate\": true}", JSONType: "object"},
			optionalIssuedAt(),
		},
		Recipe: Recipe{
			Secret: "LIVEKIT_API_SECRET", KeySetup: "The key is the project's API secret, at least 32 characters; the issuer is the API key.",
			task:   rawSecret + `,"issuer":"${workflow.input.apiKey}","claims":{"video":{"roomList":true}}`,
			inputs: `"apiKey":"APIxxxxxxxx","apiUrl":"https://example.livekit.cloud/twirp/livekit.RoomService/ListRooms"`,
			call:   `"method":"POST","contentType":"application/json","body":{}`,
			Problems: []string{
				"401: the key and the secret belong to different projects.",
			},
		},
	}
}
