//! The scheduler: one loop that owns the state, one thread for each vertex at work.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;

use crate::Cancel;

/// A graph of vertices `0..n`, inputs before users.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// For each vertex the vertices whose outputs it uses, all smaller than itself.
    pub inputs: Vec<Vec<usize>>,
    /// The vertices whose outputs are wanted.
    pub goals: Vec<usize>,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<Output> {
    /// A known result.
    Known(Output),
    /// Nothing: it must run.
    Unknown,
}

/// What came of trying something that may need the bytes of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt<T> {
    /// It was done.
    Done(T),
    /// The bytes of the input at this place are gone and cannot be fetched; the vertex that makes them must run.
    Missing {
        /// The place in the vertex's list of inputs.
        input: usize,
    },
}

/// Looks vertices up and runs them. Called from several threads at once, never twice at once for one vertex.
pub trait Executor: Sync {
    /// What a vertex gives to those that use it.
    type Output: Clone + Send;
    /// Why a vertex failed.
    type Error: Send;

    /// Asks the cache, without doing the work. `must_run` says that the bytes of every known result are gone.
    fn look_up(
        &self,
        vertex: usize,
        inputs: &[Self::Output],
        must_run: bool,
    ) -> Result<Attempt<Found<Self::Output>>, Self::Error>;

    /// Does the work. Returns early with an error of its own when `cancel` is raised.
    fn run(
        &self,
        vertex: usize,
        inputs: &[Self::Output],
        cancel: &Cancel,
    ) -> Result<Attempt<Self::Output>, Self::Error>;
}

/// Why there is no solution.
#[derive(Debug, PartialEq, Eq)]
pub enum SolveError<Error> {
    /// A vertex failed; the first one, when several did.
    Vertex {
        /// Its number.
        vertex: usize,
        /// Its error.
        error: Error,
    },
    /// The flag was raised from outside before anything failed.
    Cancelled,
}

/// The outputs, and how they came about.
#[derive(Clone, Debug)]
pub struct Solved<Output> {
    /// For each vertex its output; none where no goal needs it.
    pub outputs: Vec<Option<Output>>,
    /// Vertices that ran, in the order in which they ended.
    pub ran: Vec<usize>,
    /// Vertices that were known.
    pub cached: Vec<usize>,
}

struct State<Output> {
    output: Option<Output>,
    /// Raised whenever the output is taken back, so that an answer computed from older inputs is recognised.
    generation: u32,
    running: bool,
    must_run: bool,
    ran: bool,
    needed: bool,
}

struct Answer<E: Executor> {
    vertex: usize,
    generation: u32,
    ran: bool,
    /// The outer error is what a panic left.
    result: thread::Result<Result<Attempt<E::Output>, E::Error>>,
}

/// An answer that is no panic.
struct Settled<E: Executor> {
    vertex: usize,
    generation: u32,
    ran: bool,
    result: Result<Attempt<E::Output>, E::Error>,
}

/// Finds the outputs of all goals. A failure raises `cancel`, waits for what is still running, and is returned.
pub fn solve<E: Executor>(
    problem: &Problem,
    executor: &E,
    cancel: &Cancel,
) -> Result<Solved<E::Output>, SolveError<E::Error>> {
    let mut states = initial_states::<E>(problem);
    let mut ran = Vec::new();
    let mut failure = None;
    thread::scope(|scope| {
        let (sender, answers) = mpsc::channel::<Answer<E>>();
        let mut running = 0_usize;
        loop {
            if failure.is_none() && !cancel.is_raised() {
                for vertex in ready(problem, &states) {
                    let state = &mut states[vertex];
                    state.running = true;
                    let (generation, must_run) = (state.generation, state.must_run);
                    let inputs: Vec<_> = problem.inputs[vertex]
                        .iter()
                        .map(|input| {
                            states[*input].output.clone().expect("a ready vertex has all its inputs")
                        })
                        .collect();
                    let sender = sender.clone();
                    running += 1;
                    scope.spawn(move || {
                        let answer = attempt(executor, vertex, generation, &inputs, must_run, cancel);
                        sender.send(answer).expect("the loop outlives the threads that answer it");
                    });
                }
            }
            if running == 0 {
                break;
            }
            let answer = answers.recv().expect("the loop holds a sender itself");
            running -= 1;
            let Answer { vertex, generation, ran: did_run, result } = answer;
            let result = result.unwrap_or_else(|payload| {
                cancel.raise();
                panic::resume_unwind(payload)
            });
            let answer = Settled { vertex, generation, ran: did_run, result };
            if let Some(error) = settle::<E>(problem, &mut states, &mut ran, answer)
                && failure.is_none()
            {
                failure = Some(error);
                cancel.raise();
            }
        }
    });
    if let Some((vertex, error)) = failure {
        return Err(SolveError::Vertex { vertex, error });
    }
    if problem.goals.iter().any(|goal| states[*goal].output.is_none()) {
        return Err(SolveError::Cancelled);
    }
    let cached = (0..states.len()).filter(|v| states[*v].output.is_some() && !states[*v].ran).collect();
    Ok(Solved { outputs: states.into_iter().map(|state| state.output).collect(), ran, cached })
}

fn initial_states<E: Executor>(problem: &Problem) -> Vec<State<E::Output>> {
    let fresh =
        || State { output: None, generation: 0, running: false, must_run: false, ran: false, needed: false };
    let mut states: Vec<_> = problem.inputs.iter().map(|_| fresh()).collect();
    let mut open = problem.goals.clone();
    while let Some(vertex) = open.pop() {
        if !std::mem::replace(&mut states[vertex].needed, true) {
            open.extend(&problem.inputs[vertex]);
        }
    }
    states
}

fn ready<Output>(problem: &Problem, states: &[State<Output>]) -> Vec<usize> {
    let is_ready = |vertex: &usize| {
        let state = &states[*vertex];
        let waiting = state.needed && !state.running && state.output.is_none();
        waiting && problem.inputs[*vertex].iter().all(|input| states[*input].output.is_some())
    };
    (0..states.len()).filter(is_ready).collect()
}

fn attempt<E: Executor>(
    executor: &E,
    vertex: usize,
    generation: u32,
    inputs: &[E::Output],
    must_run: bool,
    cancel: &Cancel,
) -> Answer<E> {
    let mut ran = false;
    let work = || match executor.look_up(vertex, inputs, must_run)? {
        Attempt::Done(Found::Known(output)) => Ok(Attempt::Done(output)),
        Attempt::Missing { input } => Ok(Attempt::Missing { input }),
        Attempt::Done(Found::Unknown) => {
            ran = true;
            executor.run(vertex, inputs, cancel)
        }
    };
    // Without an answer the loop would wait for ever; what a panic left is raised again there.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    Answer { vertex, generation, ran, result }
}

/// Takes one answer into the state; gives back a failure.
fn settle<E: Executor>(
    problem: &Problem,
    states: &mut [State<E::Output>],
    ran: &mut Vec<usize>,
    answer: Settled<E>,
) -> Option<(usize, E::Error)> {
    let vertex = answer.vertex;
    states[vertex].running = false;
    match answer.result {
        Err(error) => return Some((vertex, error)),
        // An input was made again meanwhile: what this vertex made of the old one stays in the cache, but not here.
        Ok(_) if states[vertex].generation != answer.generation => {}
        Ok(Attempt::Done(output)) => {
            states[vertex].output = Some(output);
            states[vertex].must_run = false;
            states[vertex].ran |= answer.ran;
            if answer.ran {
                ran.push(vertex);
            }
        }
        Ok(Attempt::Missing { input }) => take_back(problem, states, problem.inputs[vertex][input]),
    }
    None
}

/// Makes a vertex run again, and everything that used its output ask again.
fn take_back<Output>(problem: &Problem, states: &mut [State<Output>], vertex: usize) {
    // Two users may miss the same bytes; the second complaint must not throw away the run that the first one caused.
    if states[vertex].must_run {
        return;
    }
    states[vertex].must_run = true;
    let mut stale = vec![false; states.len()];
    stale[vertex] = true;
    for user in vertex..states.len() {
        if stale[user] || problem.inputs[user].iter().any(|input| stale[*input]) {
            stale[user] = true;
            states[user].output = None;
            states[user].generation += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Outputs are numbers; "bytes" of the vertices in `absent` are missing until they run.
    #[derive(Default)]
    struct Fake {
        known: BTreeSet<usize>,
        absent: Mutex<BTreeSet<usize>>,
        failing: BTreeSet<usize>,
        problem: Problem,
        runs: Mutex<Vec<usize>>,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
        nap: Duration,
    }

    impl Executor for Fake {
        type Output = usize;
        type Error = String;

        fn look_up(
            &self,
            vertex: usize,
            _: &[usize],
            must_run: bool,
        ) -> Result<Attempt<Found<usize>>, String> {
            let known = self.known.contains(&vertex) && !must_run;
            Ok(Attempt::Done(if known { Found::Known(vertex) } else { Found::Unknown }))
        }

        fn run(&self, vertex: usize, _: &[usize], cancel: &Cancel) -> Result<Attempt<usize>, String> {
            for (place, input) in self.problem.inputs[vertex].iter().enumerate() {
                if self.absent.lock().unwrap().contains(input) {
                    return Ok(Attempt::Missing { input: place });
                }
            }
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            thread::sleep(self.nap);
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            if cancel.is_raised() {
                return Err("cancelled".to_owned());
            }
            if self.failing.contains(&vertex) {
                return Err(format!("vertex {vertex} failed"));
            }
            self.runs.lock().unwrap().push(vertex);
            self.absent.lock().unwrap().remove(&vertex);
            Ok(Attempt::Done(vertex))
        }
    }

    fn fake(inputs: &[&[usize]], goals: &[usize]) -> Fake {
        let problem = Problem { inputs: inputs.iter().map(|i| i.to_vec()).collect(), goals: goals.to_vec() };
        Fake { problem, ..Fake::default() }
    }

    fn run(fake: &Fake) -> Result<Solved<usize>, SolveError<String>> {
        solve(&fake.problem, fake, &Cancel::new().unwrap())
    }

    fn sorted_runs(fake: &Fake) -> Vec<usize> {
        let mut runs = fake.runs.lock().unwrap().clone();
        runs.sort_unstable();
        runs
    }

    #[test]
    fn independent_vertices_run_at_the_same_time() {
        let fake =
            Fake { nap: Duration::from_millis(100), ..fake(&[&[], &[0], &[0], &[0], &[1, 2, 3]], &[4]) };
        run(&fake).unwrap();
        assert_eq!(fake.most_at_once.load(Ordering::SeqCst), 3);
        assert_eq!(fake.runs.lock().unwrap().last(), Some(&4));
    }

    #[test]
    fn what_no_goal_needs_does_not_run() {
        let fake = fake(&[&[], &[0], &[0]], &[2]);
        let solved = run(&fake).unwrap();
        assert_eq!(sorted_runs(&fake), [0, 2]);
        assert_eq!(solved.outputs, [Some(0), None, Some(2)]);
    }

    #[test]
    fn a_known_graph_runs_nothing_although_its_bytes_are_gone() {
        let fake = Fake {
            known: BTreeSet::from([0, 1, 2]),
            absent: Mutex::new(BTreeSet::from([0, 1, 2])),
            ..fake(&[&[], &[0], &[1]], &[2])
        };
        let solved = run(&fake).unwrap();
        assert!(sorted_runs(&fake).is_empty());
        assert_eq!(solved.cached, [0, 1, 2]);
    }

    #[test]
    fn missing_bytes_are_made_again_down_to_the_last_one_needed() {
        // 3 is unknown and needs 2; the bytes of 1 and 2 are gone, those of 0 are there.
        let fake = Fake {
            known: BTreeSet::from([0, 1, 2]),
            absent: Mutex::new(BTreeSet::from([1, 2])),
            ..fake(&[&[], &[0], &[1], &[2]], &[3])
        };
        let solved = run(&fake).unwrap();
        assert_eq!(*fake.runs.lock().unwrap(), [1, 2, 3]);
        assert_eq!(solved.cached, [0]);
    }

    #[test]
    fn two_users_of_the_same_missing_bytes_cause_one_run() {
        let fake = Fake {
            known: BTreeSet::from([0]),
            absent: Mutex::new(BTreeSet::from([0])),
            nap: Duration::from_millis(5),
            ..fake(&[&[], &[0], &[0], &[0], &[1, 2, 3]], &[4])
        };
        run(&fake).unwrap();
        assert_eq!(sorted_runs(&fake), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_first_failure_is_returned_and_stops_the_rest() {
        let fake = Fake {
            failing: BTreeSet::from([1]),
            nap: Duration::from_millis(10),
            ..fake(&[&[], &[0], &[1], &[2]], &[3])
        };
        let error = run(&fake).unwrap_err();
        assert_eq!(error, SolveError::Vertex { vertex: 1, error: "vertex 1 failed".to_owned() });
        assert_eq!(sorted_runs(&fake), [0]);
    }

    #[test]
    #[should_panic(expected = "vertex 1 is out of its mind")]
    fn a_panic_of_a_vertex_ends_the_build_instead_of_hanging_it() {
        struct Mad;
        impl Executor for Mad {
            type Output = ();
            type Error = ();
            fn look_up(&self, vertex: usize, _: &[()], _: bool) -> Result<Attempt<Found<()>>, ()> {
                assert_ne!(vertex, 1, "vertex 1 is out of its mind");
                Ok(Attempt::Done(Found::Known(())))
            }
            fn run(&self, _: usize, _: &[()], _: &Cancel) -> Result<Attempt<()>, ()> {
                Err(())
            }
        }
        let problem = Problem { inputs: vec![vec![], vec![0]], goals: vec![1] };
        let _outcome = solve(&problem, &Mad, &Cancel::new().unwrap());
    }

    #[test]
    fn a_raised_flag_starts_nothing() {
        let fake = fake(&[&[], &[0]], &[1]);
        let cancel = Cancel::new().unwrap();
        cancel.raise();
        assert!(matches!(solve(&fake.problem, &fake, &cancel), Err(SolveError::Cancelled)));
        assert!(sorted_runs(&fake).is_empty());
    }
}
