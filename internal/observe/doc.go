// Package observe is what an operator sees: metrics, health, readiness and logs.
//
// Every metric is named quarterhour_*, in base units (seconds, bytes), and is registered on the registry handed in. Batch is
// the unit: nothing here is called once per record.
package observe
