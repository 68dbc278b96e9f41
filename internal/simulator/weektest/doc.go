// Package weektest lets the connectors live through a simulated week against the simulated vendors, at many times real speed: outages,
// spent quotas, late, doubled and corrected rows, a webhook that nobody hears for a day, and kill -9. In the end the tables must
// say what happened, cell by cell, and no vendor may have a complaint.
package weektest
