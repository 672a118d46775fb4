import Model
import Synchronization

/// Reads the records of one session: skips what it cannot use, and says so.
///
/// A newer peer must not cost the link, and neither must one damaged record: the next session would
/// meet the same record again, and so on for ever.
final class RecordReader: Sendable {
    private let unknown = Mutex(0)
    private let notice: @Sendable (LinkNotice) -> Void

    init(notice: @escaping @Sendable (LinkNotice) -> Void) { self.notice = notice }

    func value<Value: Recordable>(
        _ type: Value.Type, from record: Skerry_Control_V1_Record
    ) -> Value? {
        value(of: RecordCodec.read(type, from: record))
    }

    /// The frame of a part; nil for what is skipped.
    func frame(from part: Skerry_Control_V1_StreamPart) -> StreamFrame? {
        value(of: part.read())
    }

    func skip(kind: String) {
        let count = unknown.withLock { count in
            count += 1
            return count
        }
        notice(.unknownRecord(kind: kind, count: count))
    }

    private func value<Value>(of reading: Reading<Value>) -> Value? {
        switch reading {
        case .value(let value): return value
        case .unknown(let kind): skip(kind: kind)
        case .damaged(let kind, let reason): notice(.damagedRecord(kind: kind, reason: reason))
        }
        return nil
    }
}
