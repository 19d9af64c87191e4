//! Users with bcrypt hashes of their passwords.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::ring::default_provider;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

type Digested = [u8; 32];

/// Users with bcrypt hashes of their passwords.
pub(crate) struct Users {
    hashes: BTreeMap<String, Zeroizing<String>>,
    /// A hash for users that do not exist, which takes as long to compare with.
    decoy: Zeroizing<String>,
    /// The last password that was right, by user, as a digest. A client that sends it again does
    /// not wait for bcrypt.
    right: Mutex<HashMap<String, Digested>>,
    /// Of the digests.
    key: Zeroizing<[u8; 32]>,
    /// One comparison at a time, since each takes a processor for long.
    turn: Arc<Semaphore>,
}

impl Users {
    /// # Errors
    /// Text that begins with the name of a user. It contains no hash.
    pub(super) fn new(hashes: BTreeMap<String, Zeroizing<String>>) -> Result<Self, String> {
        let mut most = 0;
        for (name, hash) in &hashes {
            if name.contains(':') {
                return Err(format!("{name}: a user name cannot contain a colon"));
            }
            most = most.max(cost(hash).map_err(|problem| format!("{name}: {problem}"))?);
        }
        let mut key = Zeroizing::new([0; 32]);
        let random = default_provider().secure_random;
        random.fill(&mut *key).map_err(|_| "the system has no random numbers".to_owned())?;
        // Salt and hash: no password is known that has this one.
        let decoy = Zeroizing::new(format!("$2b${most:02}${}", ".".repeat(53)));
        Ok(Self { hashes, decoy, right: Mutex::default(), key, turn: Arc::new(Semaphore::new(1)) })
    }

    /// Whether this is the password of a user.
    pub(crate) async fn verify(&self, name: &[u8], password: Zeroizing<Vec<u8>>) -> bool {
        let digest = self.digest(&password);
        let known = std::str::from_utf8(name).ok().and_then(|name| self.hashes.get_key_value(name));
        let is_right = |(name, _): (&String, _)| {
            let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
            right.get(name).is_some_and(|right| bool::from(right.ct_eq(&digest)))
        };
        if known.is_some_and(is_right) {
            return true;
        }
        // The semaphore is never closed.
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else { return false };
        // Clients that send the same password at once wait for one comparison.
        if known.is_some_and(is_right) {
            return true;
        }
        let hash = known.map_or(&self.decoy, |(_, hash)| hash).clone();
        let compare = move || {
            // Held until the comparison ends, even if its client leaves before.
            let _turn = turn;
            bcrypt::verify(&*password, &hash).unwrap_or(false)
        };
        let matches = spawn_blocking(compare).await.unwrap_or(false);
        let Some((name, _)) = known.filter(|_| matches) else { return false };
        self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), digest);
        true
    }

    fn digest(&self, password: &[u8]) -> Digested {
        Sha256::new().chain_update(*self.key).chain_update(password).finalize().into()
    }
}

/// The cost of a bcrypt hash.
fn cost(hash: &str) -> Result<u32, String> {
    let is_hash = hash.is_ascii() && ["$2a$", "$2b$", "$2y$"].iter().any(|version| hash.starts_with(version));
    let parts = bcrypt::HashParts::from_str(hash).ok().filter(|_| is_hash && hash.len() == 60);
    parts.map(|parts| parts.get_cost()).filter(|cost| (4..=31).contains(cost)).ok_or_else(|| {
        "expected the bcrypt hash of a password, as `htpasswd -nBC 10 \"\" | tr -d ':\\n'` writes it".into()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn users(cost: u32, pairs: &[(&str, &str)]) -> Users {
        let hashed =
            pairs.iter().map(|(name, password)| (String::from(*name), bcrypt::hash(password, cost).unwrap().into()));
        Users::new(hashed.collect()).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_of_the_user_is_accepted() {
        let users = users(4, &[("alice", "planted-a"), ("bob", "planted-b")]);
        let verify =
            async |name: &str, password: &str| users.verify(name.as_bytes(), password.as_bytes().to_vec().into()).await;
        for _ in 0..2 {
            assert!(verify("alice", "planted-a").await && verify("bob", "planted-b").await);
            for (name, password) in
                [("alice", "planted-b"), ("alice", ""), ("carol", "planted-a"), ("", ""), ("Alice", "planted-a")]
            {
                assert!(!verify(name, password).await, "{name} {password}");
            }
        }
        assert!(!users.verify(b"\xff", b"planted-a".to_vec().into()).await);
        assert_eq!(users.right.lock().unwrap().len(), 2, "only passwords that are right are remembered");
    }

    #[tokio::test]
    async fn a_password_costs_once_and_unknown_users_cost_as_much_as_known_ones() {
        let users = users(8, &[("alice", "planted-a")]);
        let time = async |name: &str, password: &str| {
            let began = Instant::now();
            users.verify(name.as_bytes(), password.as_bytes().to_vec().into()).await;
            began.elapsed()
        };
        let first = time("alice", "planted-a").await;
        let again = time("alice", "planted-a").await;
        assert!(again < first / 5, "{first:?} {again:?}");
        let mut ratios = Vec::new();
        for _ in 0..3 {
            let [known, unknown] = [time("alice", "wrong").await, time("carol", "wrong").await];
            ratios.push(unknown.as_secs_f64() / known.max(Duration::from_nanos(1)).as_secs_f64());
        }
        // The middle of three, since other work on the machine delays some.
        ratios.sort_by(f64::total_cmp);
        assert!(ratios.get(1).is_some_and(|ratio| (0.4..2.5).contains(ratio)), "{ratios:?}");
    }

    #[test]
    fn what_is_no_hash_is_an_error_that_does_not_show_it() {
        let valid = bcrypt::hash("planted", 4).unwrap();
        let long = format!("{valid}.");
        let old = valid.replacen("$2b$", "$2x$", 1);
        let cheap = valid.replacen("$04$", "$03$", 1);
        for hash in ["", "planted", &long, &old, &cheap, &"é".repeat(30), "$2b$04$"] {
            let one = BTreeMap::from([("alice".to_owned(), Zeroizing::new(hash.to_owned()))]);
            let problem = Users::new(one).err().unwrap();
            assert!(problem.starts_with("alice: expected the bcrypt hash"), "{problem}");
            assert!(hash.is_empty() || !problem.contains(hash), "{problem}");
        }
        for version in ["$2a$", "$2y$"] {
            assert_eq!(cost(&valid.replacen("$2b$", version, 1)), Ok(4));
        }
    }
}
