package signer

const LastSecond = lastSecond
