package database

import "testing"

func TestAStepThatCameAfterALaterOneIsMadeUpFor(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		provider := must(db.provider())
		if _, err := provider.ApplyVersion(t.Context(), 2, false); err != nil {
			t.Fatal(err)
		}
		if latest := must(provider.GetDBVersion(t.Context())); latest <= 2 {
			t.Fatalf("the database is at version %d: nothing is out of order", latest)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		endpoint(t, db, "a") // has the step's columns
	})
}
