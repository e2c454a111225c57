// Package cost says what a month costs, from what was measured and AWS's list prices.
package cost

// Prices are dollars for one of each.
type Prices struct {
	DynamoDBRead   float64 // read request unit, on demand
	DynamoDBWrite  float64 // write request unit, on demand
	LambdaRequest  float64
	LambdaGBSecond float64 // arm64
	SecretsCall    float64
	SQSRequest     float64 // standard queue
	LogGB          float64 // CloudWatch Logs, taken in
}

// List are the list prices of us-east-1 without free tiers, noted in November 2026.
// Look current ones up before you rely on them.
var List = Prices{
	DynamoDBRead:   0.125 / 1e6,   // aws.amazon.com/dynamodb/pricing/on-demand
	DynamoDBWrite:  0.625 / 1e6,   // the same
	LambdaRequest:  0.20 / 1e6,    // aws.amazon.com/lambda/pricing
	LambdaGBSecond: 0.0000133334,  // the same
	SecretsCall:    0.05 / 10_000, // aws.amazon.com/secrets-manager/pricing
	SQSRequest:     0.40 / 1e6,    // aws.amazon.com/sqs/pricing
	LogGB:          0.50,          // aws.amazon.com/cloudwatch/pricing
}
