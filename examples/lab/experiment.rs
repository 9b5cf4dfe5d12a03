//! [`Experiment`]: one workload under one policy, run twice: simulated, and for real.

use std::io;

use bibelot::testing::Sim;
use bibelot::time::Duration;
use bibelot::{Executor, ExecutorBuilder};

use crate::figures::Run;
use crate::lab::Lab;
use crate::policies::Named;
use crate::workloads::Workload;

/// One workload under one policy.
#[derive(Clone, Copy)]
pub(crate) struct Experiment {
    /// What is done.
    pub(crate) workload: Workload,
    /// Who comes first.
    pub(crate) policy: Named,
    /// What is random comes from this.
    pub(crate) seed: u64,
}

/// An experiment that was made.
pub(crate) struct Outcome {
    /// Who came first.
    pub(crate) policy: Named,
    /// What the virtual clock says.
    pub(crate) simulated: Run,
    /// What the machine says.
    pub(crate) real: Run,
}

impl Experiment {
    /// Runs it on a virtual clock: exact, and over at once.
    pub(crate) fn simulate(&self) -> Run {
        Sim::from_builder(self.builder()).run(self.perform(1.0))
    }

    /// Runs it for real, in a `scale`th of its time.
    pub(crate) fn measure(&self, scale: f64) -> io::Result<Run> {
        Ok(self.builder().build()?.run(self.perform(scale)))
    }

    /// An executor with the policy.
    fn builder(&self) -> ExecutorBuilder {
        Executor::builder().policy((self.policy.make)(self.seed))
    }

    /// The same for both.
    async fn perform(&self, scale: f64) -> Run {
        let lab = Lab::new(self.seed, scale);
        (self.workload.start)(&lab);
        Run::new(&self.workload, lab.into_records().await)
    }
}

/// The scale at which so much simulated time passes in so much real time; never slower than it is.
pub(crate) fn scale(simulated: Duration, real: Duration) -> f64 {
    real.div_duration_f64(simulated).min(1.0)
}

/// How many times longer than simulated everything may take for real on a machine that has time for it.
const SLOW: f64 = 1.25;

/// Says so if this machine had other work to do, so that the real figures tell more of that than of the
/// policies.
pub(crate) fn busy(outcomes: &[Outcome]) -> Option<String> {
    let sum = |run: fn(&Outcome) -> &Run| -> Duration {
        outcomes.iter().map(|outcome| run(outcome).length).sum()
    };
    let times = sum(|of| &of.real).div_duration_f64(sum(|of| &of.simulated));
    (times.is_finite() && times > SLOW).then(|| {
        format!(
            "For real everything took {times:.1} times as long as simulated: this machine has other work \
             to do. Compare the simulated figures."
        )
    })
}
