//! AUTH (RFC 4954): passwords are judged on threads for blocking work, and few at once, because each takes time.
//! Each client waits for its own before it waits among all, so that one with many connections is one in the line.

use std::sync::Arc;
use std::time::Duration;

use scop_smtp_proto::auth::Credentials;
use scop_smtp_proto::auth::scram::Nonce;
use scop_smtp_proto::server::{AnswerError, Event, Server};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::replies;
use super::session::wire::{Turn, Wire};
use super::session::{Host, answer};

/// How long a client waits for its turn.
const WAIT: Duration = Duration::from_secs(30);

impl Host<'_> {
    /// A client has shown a password.
    pub(super) async fn password(&mut self, server: &mut Server<'_>, wire: &mut Wire) {
        let Some(Event::Authenticate(Credentials::Password {
            authorization,
            user,
            password,
        })) = server.event()
        else {
            return answer(server, wire, Some(&replies::WRONG_LOGIN)).await;
        };
        let is_self = authorization.is_empty() || authorization == user;
        let found = self.receiver.users().find_or_decoy(user);
        let name = user.to_owned();
        let password = Zeroizing::new(password.to_vec());
        let turn = turn_of(&self.client.login, &self.receiver.logins).await;
        let (Some(user), Some(turn)) = (found, turn) else {
            return answer(server, wire, Some(&replies::LOGIN_LATER)).await;
        };
        let judged = Arc::clone(&user);
        let work = tokio::task::spawn_blocking(move || judged.is_password(&password));
        let is_right = work.await;
        drop(turn);
        match is_right {
            Ok(true) if is_self => {
                self.note_accepted(user);
                answer(server, wire, None).await;
            }
            Ok(_) => {
                self.note_refused(&name);
                answer(server, wire, Some(&replies::WRONG_LOGIN)).await;
            }
            Err(error) => {
                warn!(client = %self.ip, %error, "a password could not be judged");
                answer(server, wire, Some(&replies::LOGIN_LATER)).await;
            }
        }
    }

    /// A client wants to prove that it knows the password.
    pub(super) async fn scram(&mut self, server: &mut Server<'_>, wire: &mut Wire) {
        let Some(Event::Scram {
            authorization,
            user,
        }) = server.event()
        else {
            return answer(server, wire, Some(&replies::WRONG_LOGIN)).await;
        };
        let mut random = [0; 18];
        let found = self.receiver.users().find_or_decoy(user);
        let (Some(user), Ok(())) = (found, getrandom::fill(&mut random)) else {
            return answer(server, wire, Some(&replies::LOGIN_LATER)).await;
        };
        // It is refused for whoever asks for it, there or not.
        if !authorization.is_empty() && authorization != user.name {
            self.note_refused(&user.name);
            return answer(server, wire, Some(&replies::WRONG_LOGIN)).await;
        }
        let nonce = Nonce::from_random(random);
        while let Err(AnswerError::OutputFull) = server.scram(&user.scram(), &nonce) {
            if wire.turn(server).await != Turn::Event {
                return;
            }
        }
        self.scram = Some(user);
    }

    /// Sees what became of SCRAM, which the machine judges.
    pub(super) fn note_login(&mut self, server: &Server<'_>) {
        let Some(user) = self.scram.take() else {
            return;
        };
        if server.session().authenticated {
            self.note_accepted(user);
        } else {
            self.note_refused(&user.name);
        }
    }

    fn note_accepted(&mut self, user: Arc<super::users::User>) {
        self.receiver.figures.logins.add(["accepted"]);
        info!(client = %self.ip, user = user.name, "logged in");
        self.user = Some(user);
    }

    /// A name that nobody has may be a password in the wrong field, so that it is not told.
    fn note_refused(&self, name: &str) {
        self.receiver.figures.logins.add(["refused"]);
        let known = self.receiver.users().find(name);
        let user = known.as_ref().map_or("unknown", |user| &user.name);
        warn!(client = %self.ip, user, "login refused");
    }
}

/// A turn of the client, and then one of all; none when that takes too long.
async fn turn_of<'a>(
    client: &'a Semaphore,
    all: &'a Semaphore,
) -> Option<[SemaphorePermit<'a>; 2]> {
    let turn = async {
        let own = client.acquire().await.ok()?;
        Some([own, all.acquire().await.ok()?])
    };
    tokio::time::timeout(WAIT, turn).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_awaited_so_long() {
        let (one, other, all) = (Semaphore::new(1), Semaphore::new(1), Semaphore::new(2));
        let held = turn_of(&one, &all).await.unwrap();
        let begin = tokio::time::Instant::now();
        assert!(turn_of(&one, &all).await.is_none());
        assert_eq!(begin.elapsed(), WAIT);
        // Who waited in vain is not in the way of others, nor of itself.
        assert_eq!(all.available_permits(), 1);
        let second = turn_of(&other, &all).await.unwrap();
        let third = Semaphore::new(1);
        assert!(turn_of(&third, &all).await.is_none());
        assert_eq!(third.available_permits(), 1);
        drop((held, second));
        assert!(turn_of(&one, &all).await.is_some());
    }
}
