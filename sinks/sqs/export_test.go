package sqs

// Encode is encode, for tests from outside.
var Encode = encode
