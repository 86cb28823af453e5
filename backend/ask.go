package understudy

// Ask returns the change that goes with a person's trigger, for the mutation
// of the write that carries it out; by names the person where that is
// recorded. Deploy is not a transition yet: it is saved as a wish (Target) on
// an available model, and the lifecycle takes the stage when there is a slot.
func Ask(t Trigger, by string) func(*Model) {
	return func(m *Model) {
		m.Target, m.Reason = TargetNone, ""
		switch t {
		case Deploy:
			m.Target = TargetDeployed
			m.AutoTried = true // a person decides from here on
			if m.Verdict != VerdictPassed {
				m.Forced, m.ForcedBy = true, by
			}
		case Undeploy, Withdrawn, Retire:
			m.AutoTried = true
		}
	}
}
