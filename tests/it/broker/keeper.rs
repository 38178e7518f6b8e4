//! Holds the broker's process and its folder, so that neither outlives the test process, however that ends.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Takes orders from a pipe that only the test process holds: when that process is gone, by SIGKILL too, the pipe
/// ends, and with it the broker and its folder.
const SCRIPT: &str = r#"
folder=$1 pid=
shift
while read -r order; do
    case $order in
    start)
        "$@" >>"$folder/broker.log" 2>&1 </dev/null &
        pid=$! ;;
    kill) kill -KILL "$pid"; wait "$pid"; pid= ;;
    stop)
        kill -TERM "$pid"
        # one that does not stop would hold the test for ever
        (sleep 30; kill -KILL "$pid") >/dev/null 2>&1 &
        guard=$!
        wait "$pid"
        pid=
        kill "$guard" 2>/dev/null ;;
    esac
    echo "$pid"
done
[ -z "$pid" ] || kill -KILL "$pid"
wait
rm -rf "$folder"
"#;

pub struct Keeper {
    folder: PathBuf,
    process: Child,
    /// `None` once it is told to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pid: Option<u32>,
}

impl Keeper {
    /// Nothing runs before `start`. The folder is removed at the end.
    pub fn new(folder: PathBuf, command: &[String]) -> Self {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", SCRIPT, "keeper"]).arg(&folder).args(command);
        // Ctrl-C is for the tests: it ends them, and then the keeper cleans up
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = keeper.spawn().expect("sh starts");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Keeper { folder, process, orders, answers, pid: None }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// # Panics
    /// When it runs already, as `stop` and `kill` do when it does not.
    pub fn start(&mut self) {
        assert_eq!(self.pid, None, "the broker runs already");
        self.order("start");
    }

    /// SIGTERM, and SIGKILL when it does not listen for 30 s.
    pub fn stop(&mut self) {
        self.pid.expect("the broker runs");
        self.order("stop");
    }

    pub fn kill(&mut self) {
        self.pid.expect("the broker runs");
        self.order("kill");
    }

    /// Told by /proc, since the keeper says nothing between two orders. Until it waits for a process that died, that
    /// one is a zombie. Where there is no /proc, nobody dies.
    pub fn died(&self) -> bool {
        let Some(pid) = self.pid else { return true };
        match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
            Err(_) => Path::new("/proc/self").exists(),
        }
    }

    /// The last lines that the broker said.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(self.folder.join("broker.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("the keeper is there until it is dropped");
        writeln!(orders, "{order}").expect("the keeper listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the keeper answers");
        self.pid = answer.trim().parse().ok();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.process.wait();
    }
}

mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn keeper(command: &[&str]) -> Keeper {
        let folder = tempfile::tempdir().unwrap().keep();
        Keeper::new(folder, &command.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>())
    }

    fn soon(is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "it does not happen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn runs(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn when_the_pipe_of_its_orders_ends_process_and_folder_of_the_broker_go() {
        let mut keeper = keeper(&["sleep", "600"]);
        keeper.start();
        let (pid, folder) = (keeper.pid.unwrap(), keeper.folder().to_owned());
        assert!(runs(pid) && folder.exists() && !keeper.died());
        drop(keeper);
        assert!(!runs(pid) && !folder.exists());
    }

    #[test]
    fn the_broker_stops_is_killed_and_starts_again_in_its_folder() {
        let mut keeper = keeper(&["sh", "-c", "echo started; exec sleep 600"]);
        for stop in [Keeper::stop, Keeper::kill, Keeper::stop] {
            keeper.start();
            let pid = keeper.pid.unwrap();
            soon(|| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().starts_with("sleep"));
            stop(&mut keeper);
            assert!(!runs(pid) && keeper.died());
        }
        assert_eq!(keeper.last_words(), "started\nstarted\nstarted");
    }

    #[test]
    fn a_broker_that_dies_by_itself_is_noticed() {
        let mut keeper = keeper(&["sh", "-c", "echo no port is free; exit 1"]);
        keeper.start();
        soon(|| keeper.died());
        assert_eq!(keeper.last_words(), "no port is free");
    }
}
